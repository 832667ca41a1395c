import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { context, metrics, propagation, trace } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { openTelemetry } from "../src/telemetry.ts";

test("is off and registers nothing without an endpoint", async () => {
  const telemetry = await openTelemetry({ serviceName: "test", env: {} });
  expect(telemetry.enabled).toBe(false);
  expect(trace.getTracer("t").startSpan("s").isRecording()).toBe(false);
  await telemetry.close();
});

test("exports spans and metrics as protobuf and keeps the span across awaits", async () => {
  const received: string[] = [];
  const collector = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push(
      `${request.url} ${request.headers["content-type"]} ${Buffer.concat(chunks).includes("span-one")}`,
    );
    response.end();
  });
  collector.listen(0, "127.0.0.1");
  await once(collector, "listening");
  try {
    const { port } = collector.address() as AddressInfo;
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}/` };
    const telemetry = await openTelemetry({ serviceName: "test", env });
    expect(telemetry.enabled).toBe(true);
    const header: Record<string, string> = {};
    await trace.getTracer("t").startActiveSpan("span-one", async (span) => {
      await Promise.resolve();
      expect(trace.getActiveSpan()).toBe(span);
      propagation.inject(context.active(), header);
      span.end();
    });
    metrics.getMeter("t").createCounter("c").add(1);
    expect(header.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    await telemetry.close();
    expect(received).toContain("/v1/traces application/x-protobuf true");
    expect(received).toContain("/v1/metrics application/x-protobuf false");
  } finally {
    collector.close();
  }
});
