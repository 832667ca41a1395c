import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { context, metrics, propagation, trace } from "@opentelemetry/api";
import * as conventions from "@opentelemetry/semantic-conventions/incubating";
import { expect, test } from "vitest";
import { createCounter, observeGauge } from "../src/metrics.ts";
import * as ours from "../src/semantic-conventions.ts";
import { openTelemetry } from "../src/telemetry.ts";
import { openOtlpSink } from "./otlp-sink.ts";

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

test("gauges are read at each export, and what cannot be read is no number", async () => {
  const sink = await openOtlpSink();
  const telemetry = await openTelemetry({ serviceName: "test", env: sink.env });
  let depth = 3;
  const stopDepth = observeGauge("outboxWaiting", () => {
    if (depth < 0) throw new Error("the store is away");
    return [{ value: depth, attributes: { "db.namespace": "records" } }];
  });
  const streams = createCounter("activeStreams");
  try {
    streams.add(2, { "rpc.method": "a/B" });
    const value = () => sink.points("wellapi.outbox.waiting")[0]?.value;
    await sink.until(() => value() === 3 || undefined);
    expect(sink.points("wellapi.outbox.waiting")).toMatchObject([
      { service: "test", type: "gauge", unit: "{item}", attributes: { "db.namespace": "records" } },
    ]);
    expect(sink.points("wellapi.rpc.server.active_streams")).toMatchObject([
      { type: "up-down-counter", value: 2, attributes: { "rpc.method": "a/B" } },
    ]);
    depth = 0;
    await sink.until(() => value() === 0 || undefined);
    depth = -1;
    await sink.until(() => Number.isNaN(value()) || undefined);
    depth = 5;
    await sink.until(() => value() === 5 || undefined);
  } finally {
    stopDepth();
    await telemetry.close();
    sink.close();
  }
});

test("processes are told apart, and the environment names where they run", async () => {
  const sink = await openOtlpSink();
  const seen = new Set<string>();
  process.env.OTEL_RESOURCE_ATTRIBUTES = "service.instance.id=pod-1";
  try {
    for (const named of [true, false, false]) {
      if (!named) delete process.env.OTEL_RESOURCE_ATTRIBUTES;
      const telemetry = await openTelemetry({ serviceName: "test", env: sink.env });
      const counter = createCounter("activeStreams");
      counter.add(1);
      const size = seen.size;
      sink.onPoint(({ instance }) => seen.add(instance));
      await sink.until(() => (seen.size > size ? true : undefined));
      await telemetry.close();
    }
  } finally {
    sink.close();
    delete process.env.OTEL_RESOURCE_ATTRIBUTES;
  }
  expect(seen.size).toBe(3);
  expect(seen).toContain("pod-1");
});

test("the names that are written here are those of OpenTelemetry's semantic conventions", () => {
  expect(Object.keys(ours).length).toBeGreaterThan(20);
  for (const [constant, name] of Object.entries(ours)) {
    expect((conventions as Readonly<Record<string, unknown>>)[constant], constant).toBe(name);
  }
});
