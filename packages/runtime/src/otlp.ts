import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import {
  type Context,
  type ContextManager,
  context,
  metrics,
  propagation,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import {
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
} from "@opentelemetry/semantic-conventions";
import { observeCaches } from "./bounded-cache.ts";
import { type Env, parseConfig } from "./config.ts";
import { observeProcess } from "./process-metrics.ts";
import { openTracing } from "./tracing.ts";
import { version } from "./version.ts";

export interface TelemetryOptions {
  /** `service.name` of the resource; `OTEL_SERVICE_NAME` wins. */
  readonly serviceName: string;
  /**
   * `OTEL_EXPORTER_OTLP_ENDPOINT` switches telemetry on; the exporters read the other OTLP settings (headers,
   * timeout, per-signal endpoints) from the process environment themselves.
   */
  readonly env: Env;
}

export interface Telemetry {
  readonly enabled: boolean;
  /** Flushes what is pending, at most for some seconds, and takes the providers away. */
  close(): Promise<void>;
}

/** Carries the active span across awaits. The SDK ships only a manager for synchronous code. */
class AsyncContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => fn.apply(thisArg, args));
  }

  bind<T>(active: Context, target: T): T {
    if (typeof target !== "function") return target;
    const storage = this.#storage;
    const bound = function (this: unknown, ...args: unknown[]): unknown {
      return storage.run(active, () => target.apply(this, args));
    };
    return bound as T;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }
}

/** Registers the global providers. Loaded only where telemetry is on. */
export function openOtlp({ serviceName, env }: TelemetryOptions): Telemetry {
  // Two replicas without an id of their own would write one series in turns.
  const resource = defaultResource()
    .merge(resourceFromAttributes({ [ATTR_SERVICE_INSTANCE_ID]: randomUUID() }))
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(
      resourceFromAttributes({
        [ATTR_SERVICE_NAME]: env.OTEL_SERVICE_NAME || serviceName,
        [ATTR_SERVICE_VERSION]: version,
      }),
    );
  const endpoint = env.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/$/, "");
  const tracerProvider = new TracerProvider({
    resource,
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({
          url: env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || `${endpoint}/v1/traces`,
        }),
      }),
    ],
  });
  const meterProvider = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        ...intervalOf(env),
        exporter: new OTLPMetricExporter({
          url: env.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT || `${endpoint}/v1/metrics`,
        }),
      }),
    ],
  });
  context.setGlobalContextManager(new AsyncContextManager());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
  const stops = [observeCaches(), observeProcess(), openTracing()];
  return {
    enabled: true,
    async close() {
      for (const stop of stops) stop();
      // A collector that is away must not keep the process; what can't be sent is lost.
      await Promise.allSettled([
        tracerProvider.forceFlush({ timeoutMillis: 3_000 }),
        meterProvider.forceFlush({ timeoutMillis: 3_000 }),
      ]);
      await Promise.allSettled([tracerProvider.shutdown(), meterProvider.shutdown({ timeoutMillis: 3_000 })]);
      trace.disable();
      metrics.disable();
      propagation.disable();
      context.disable();
    },
  };
}

/** As the specification names it (milliseconds); a reading that takes longer than the interval is given up. */
function intervalOf(env: Env) {
  const { interval } = parseConfig(env, (reader) => ({
    interval: reader.int("OTEL_METRIC_EXPORT_INTERVAL", { fallback: 60_000, min: 100, max: 3_600_000 }),
  }));
  return { exportIntervalMillis: interval, exportTimeoutMillis: Math.min(30_000, interval) };
}
