export { type Clock, systemClock } from "./clock.ts";
export { type Closers, ClosersError, createClosers } from "./closers.ts";
export { ConfigError, type ConfigReader, type Env, parseConfig } from "./config.ts";
export { decodeId, encodeId, type IdPrefix, type Ids, randomIds } from "./ids.ts";
export { createLogger, type LogFields, type Logger, type LoggerOptions, silentLogger } from "./logger.ts";
export { openTelemetry, type Telemetry, type TelemetryOptions } from "./telemetry.ts";
