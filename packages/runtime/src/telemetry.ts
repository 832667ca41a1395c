import type { Telemetry, TelemetryOptions } from "./otlp.ts";

export type { Telemetry, TelemetryOptions } from "./otlp.ts";

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
