import { trace } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { openTelemetry } from "../src/telemetry.ts";
import { currentTrace, traced } from "../src/tracing.ts";
import { version } from "../src/version.ts";
import { openOtlpSink, type Span } from "./otlp-sink.ts";

/** Runs the work with a collector; resolves with the spans by their names. */
async function collected(work: () => Promise<void>): Promise<(name: string) => Span> {
  const sink = await openOtlpSink();
  const telemetry = await openTelemetry({ serviceName: "test", env: sink.env });
  try {
    await work();
  } finally {
    await telemetry.close();
    sink.close();
  }
  return (name) => sink.spans().find((span) => span.name === name)!;
}

test("without a provider work runs, and there is no trace", async () => {
  expect(await traced({ name: "w", causes: ["00-x"] }, async () => currentTrace() ?? "none")).toBe("none");
});

test("work in a call is its child; work for many calls is a trace of its own that names them", async () => {
  const causes: (string | undefined)[] = [undefined, "garbage", `00-${"0".repeat(32)}-${"1".repeat(16)}-01`];
  const of = await collected(async () => {
    const tracer = trace.getTracer("t");
    const call = (name: string) =>
      tracer.startActiveSpan(name, async (span) => {
        causes.push(currentTrace(), currentTrace());
        await traced({ name: `commit in ${name}`, kind: "client", attributes: { a: "b" } }, async () => {});
        span.end();
      });
    await Promise.all([call("one"), call("two")]);
    // As a loop that one of the calls woke.
    await tracer.startActiveSpan("waker", async (span) => {
      await traced({ name: "batch", kind: "producer", causes }, () =>
        traced({ name: "inner" }, async () => {}),
      );
      span.end();
    });
  });
  const [one, two, batch] = [of("one"), of("two"), of("batch")];
  expect(of("commit in one")).toMatchObject({
    trace: one.trace,
    parent: one.id,
    kind: 3,
    attributes: { a: "b" },
    version,
  });
  expect(batch).toMatchObject({ parent: "", kind: 4 });
  expect([one.trace, two.trace, of("waker").trace]).not.toContain(batch.trace);
  expect(batch.links).toEqual([one, two].map(({ trace, id }) => ({ trace, id })));
  expect(of("inner")).toMatchObject({ trace: batch.trace, parent: batch.id });
});

test("a failure is told by its code, never by its message", async () => {
  const of = await collected(async () => {
    const failing = (name: string, error: Error) =>
      expect(traced({ name }, () => Promise.reject(error))).rejects.toBe(error);
    await failing("coded", Object.assign(new Error("canary"), { code: "unavailable" }));
    await failing("plain", new Error("canary"));
  });
  expect(of("coded").attributes).toEqual({ "error.type": "unavailable" });
  expect(of("plain").attributes).toEqual({ "error.type": "_OTHER" });
});

test("a process tells the delay of its event loop, its heap and its memory", async () => {
  const sink = await openOtlpSink();
  const telemetry = await openTelemetry({ serviceName: "test", env: sink.env });
  try {
    const one = (name: string) => sink.points(name)[0];
    await sink.until(() => (one("nodejs.eventloop.delay.max")?.value ?? 0) > 0 || undefined);
    for (const name of ["p50", "p99", "max"].map((part) => `nodejs.eventloop.delay.${part}`)) {
      expect(one(name)).toMatchObject({ unit: "s", value: expect.closeTo(0, -1) });
    }
    const spaces = sink.points("v8js.memory.heap.used");
    expect(spaces.map(({ attributes }) => attributes["v8js.heap.space.name"])).toContain("old_space");
    expect(spaces.reduce((sum, { value }) => sum + value, 0)).toBeGreaterThan(1e6);
    expect(one("process.memory.usage")!.value).toBeGreaterThan(1e7);
  } finally {
    await telemetry.close();
    sink.close();
  }
});
