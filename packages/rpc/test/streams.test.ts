import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { openTelemetry, silentLogger, type Telemetry } from "@wellapi/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type OtlpSink, openOtlpSink } from "../../runtime/test/otlp-sink.ts";
import { type Caller, createStreamLimit, problemOf, serverInterceptors } from "../src/index.ts";
import { createTrustingAuthentication, partialRoute } from "../src/testing.ts";
import { type Door, doors } from "./doors.ts";

const request = { patient: "pat_1", codes: [{ code: "8867-4" }], purpose: Purpose.TREATMENT };
const method = "wellapi.records.v1.RecordsService/WatchSeries";

function application(id: string): Caller {
  return {
    principal: { kind: "application", id, organization: "org_canary", credential: "cred_canary" },
    workload: "door",
    token: "t",
  };
}

/** Answers once, and stays open until the caller goes. */
const watching = partialRoute(RecordsService, {
  async *watchSeries(_request, { signal }) {
    yield {};
    await new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
    );
  },
});

describe.each(doors)("streams over $name", (kind) => {
  let sink: OtlpSink;
  let telemetry: Telemetry;
  let door: Door;
  let caller: Caller;
  const open: AbortController[] = [];

  beforeEach(async () => {
    sink = await openOtlpSink();
    telemetry = await openTelemetry({ serviceName: "test", env: sink.env });
    caller = application("app_one");
    door = await kind.open(
      [watching],
      serverInterceptors({
        log: silentLogger,
        authentication: createTrustingAuthentication(() => caller),
        streamLimit: createStreamLimit({ perApplication: 2, perPerson: 3 }),
      }),
    );
  });
  afterEach(async () => {
    for (const stream of open.splice(0)) stream.abort();
    await door.close();
    await telemetry.close();
    sink.close();
  });

  /** Resolves once the stream has given its first message. */
  async function watch(): Promise<AbortController> {
    const leaving = new AbortController();
    const stream = createClient(RecordsService, door.transport).watchSeries(request, {
      signal: leaving.signal,
    });
    await stream[Symbol.asyncIterator]().next();
    open.push(leaving);
    return leaving;
  }

  const streams = () =>
    sink
      .points("wellapi.rpc.server.active_streams")
      .find(({ attributes }) => attributes["rpc.method"] === method)?.value;
  const exported = (count: number) => sink.until(() => streams() === count || undefined);

  test("are counted while they are open, however they end", async () => {
    const first = await watch();
    await watch();
    await exported(2);
    first.abort();
    await exported(1);
    await watch();
    await exported(2);
    for (const stream of open.splice(0)) stream.abort();
    await exported(0);
  });

  test("beyond an application's limit are refused at once, with when to come again, and counted", async () => {
    const first = await watch();
    await watch();
    const refusal = await watch().then(
      () => undefined,
      (error: unknown) => ConnectError.from(error),
    );
    expect(problemOf(refusal!)).toEqual({
      code: Code.ResourceExhausted,
      reason: "TOO_MANY_STREAMS",
      message: "the application has 2 streams open, as many as it may: send more on those, or end some first",
      retryAfterMs: 1_000,
    });
    // Another application has places of its own, and a place that was left is free again.
    caller = application("app_two");
    await watch();
    caller = application("app_one");
    first.abort();
    await expect
      .poll(() =>
        watch().then(
          () => "open",
          () => "refused",
        ),
      )
      .toBe("open");
    const refused = await sink.until(() =>
      sink
        .points("wellapi.rpc.server.refused_calls")
        .find(({ attributes }) => attributes["wellapi.reason"] === "TOO_MANY_STREAMS"),
    );
    expect(refused.value).toBeGreaterThanOrEqual(1);
    expect(refused.attributes).toMatchObject({
      "rpc.method": method,
      "rpc.response.status_code": "RESOURCE_EXHAUSTED",
    });
    expect(JSON.stringify(sink.all())).not.toMatch(/canary|app_|pat_/);
  });

  test("of a patient have a limit of their own, patient by patient", async () => {
    const patient = (id: string): Caller => ({
      principal: { kind: "patient", id, partition: `local/${id}` },
      workload: "door",
      token: "t",
    });
    caller = patient("pat_1");
    for (let i = 0; i < 3; i += 1) await watch();
    const refusal = await watch().then(
      () => undefined,
      (error: unknown) => ConnectError.from(error),
    );
    expect(problemOf(refusal!)).toMatchObject({ code: Code.ResourceExhausted, reason: "TOO_MANY_STREAMS" });
    caller = patient("pat_2");
    await watch();
    await exported(4);
  });
});
