export { type AnswerEachOptions, answerEach } from "./answer-each.ts";
export {
  type BoundedCache,
  type BoundedCacheOptions,
  createBoundedCache,
} from "./bounded-cache.ts";
export { type Clock, systemClock } from "./clock.ts";
export { type Closers, ClosersError, createClosers } from "./closers.ts";
export { ConfigError, type ConfigReader, type Env, parseConfig } from "./config.ts";
export { createDamageReporter, type DamagedDocument, type DamageReporter } from "./damage.ts";
export { createFairShare, type FairShare } from "./fair-share.ts";
export { decodeId, encodeId, type IdPrefix, type Ids, randomIds } from "./ids.ts";
export { type Instrument, instruments, seriesAttributes, traceAttributes } from "./instruments.ts";
export { beyondJsonShape, type JsonShapeLimits } from "./json-shape.ts";
export { createLogger, type LogFields, type Logger, type LoggerOptions, silentLogger } from "./logger.ts";
export { createLoop, type Loop } from "./loop.ts";
export {
  type Counter,
  createCounter,
  createHistogram,
  type Histogram,
  type Observation,
  observeGauge,
} from "./metrics.ts";
export { createPauses, type Pauses } from "./pauses.ts";
export { freePorts } from "./ports.ts";
export { openTelemetry, type Telemetry, type TelemetryOptions } from "./telemetry.ts";
export { currentTrace, traced, traceHeader, type Work } from "./tracing.ts";
export { version } from "./version.ts";
