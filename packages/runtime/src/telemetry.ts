import type { Env } from "./config.ts";

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

/**
 * Registers OpenTelemetry providers (OTLP over HTTP, protobuf; W3C trace context) when an endpoint is set. Where
 * none is, nothing is loaded, and the API's own no-ops make every span and metric free.
 */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  if (!options.env.OTEL_EXPORTER_OTLP_ENDPOINT) {
    return { enabled: false, close: async () => {} };
  }
  const { openOtlp } = await import("./otlp.ts");
  return openOtlp(options);
}
