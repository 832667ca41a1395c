import { setImmediate } from "node:timers/promises";
import { fromJson } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  ItemOutcome_Status,
  ObservationBatchSchema,
  SeriesBatchSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { type Problem, problemError, problemOf } from "@wellapi/rpc";
import { type Logger, silentLogger } from "@wellapi/runtime";
import { describe, expect, it } from "vitest";
import { NOW } from "./arbitraries.ts";
import { observationBatch, openIngestion, openSeriesStream, series, seriesBatch } from "./harness.ts";

const consentRequired: Problem = {
  code: Code.PermissionDenied,
  reason: "CONSENT_REQUIRED",
  message: "no consent",
};
const undecided: Problem = {
  code: Code.Unavailable,
  reason: "UNDECIDED",
  message: "not decided",
  retryAfterMs: 500,
};

function refuse(problem: Problem) {
  return () => {
    throw problemError(problem);
  };
}

/** The problem of a call that fails. */
async function problemOfCall(call: Promise<unknown>): Promise<Problem> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return problemOf(error as ConnectError);
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await setImmediate();
}

const violations = (outcome: { violations: readonly { field: string; reason: string }[] }) =>
  outcome.violations.map(({ field, reason }) => `${field} ${reason}`);

describe("one batch", () => {
  it("goes to records as it was sent, with what is wrong with its items", async () => {
    const { client, records } = await openIngestion();
    const batch = seriesBatch("r1", {
      timeZone: "Europe/Berlin",
      series: [
        series(),
        series({ unit: "kg" }),
        series({
          times: {
            start: { case: "startTimeText", value: "2016-07-12T08:00:00" },
            spacing: { case: "gaps", value: { gapsMs: [1_000, 2_000] } },
          },
        }),
      ],
    });
    const { receipt } = await client.createSeries({ batch });
    expect(receipt?.items.map(({ status }) => status)).toEqual([
      ItemOutcome_Status.ACCEPTED,
      ItemOutcome_Status.REJECTED,
      ItemOutcome_Status.ACCEPTED,
    ]);
    expect(violations(receipt!.items[1]!)).toEqual(["series[1].unit UNIT_WRONG_DIMENSION"]);
    expect(records.received).toMatchObject([
      {
        batch: { requestId: "r1", patient: "pat_x", series: [{}, { unit: "kg" }, {}] },
        rejections: [{ index: 1 }],
        resolvedTimes: [
          { index: 2, timeMs: BigInt(Date.parse("2016-07-12T06:00:00Z")), utcOffsetMinutes: 120 },
        ],
      },
    ]);
  });

  it("reads all shapes of a series from its message", async () => {
    const { client } = await openIngestion();
    const system = "https://wellapi.dev/fhir/CodeSystem/sleep-stage-observation";
    const column = (code: string, wideMantissas: bigint[]) => ({
      code: { code },
      unit: "mm[Hg]",
      decimals: { wideMantissas },
    });
    const panel = (systolic: bigint) =>
      series({
        code: { code: "85354-9" },
        unit: "",
        values: {
          case: "components",
          value: { components: [column("8480-6", [systolic]), column("8462-4", [80n])] },
        },
      });
    const stages = (indexes: number[]) =>
      series({
        code: { system, code: "sleep-stage" },
        unit: "",
        values: { case: "coded", value: { dictionary: [{ system, code: "rem" }], indexes } },
      });
    const local = series({
      times: {
        start: { case: "startTimeText", value: "2016-04-12T08:00:00" },
        utcOffsetMinutes: 60,
        spacing: { case: "periodMs", value: 1 },
      },
    });
    const batch = seriesBatch("r1", {
      series: [panel(120n), panel(2n ** 53n), stages([0]), stages([0, 1]), local],
    });
    const { receipt } = await client.createSeries({ batch });
    expect(receipt?.items.map(violations)).toEqual([
      [],
      ["series[1].components.components[0].decimals.wide_mantissas[0] VALUE_OUT_OF_RANGE"],
      [],
      ["series[3].coded.indexes[1] INDEX_OUT_OF_RANGE"],
      [
        "series[4].times.utc_offset_minutes OFFSET_WITH_TIME_TEXT",
        "series[4].times.start_time_text TIME_ZONE_REQUIRED",
      ],
    ]);
  });

  it("judges observations likewise", async () => {
    const { client, records } = await openIngestion();
    const { receipt } = await client.createObservations({ batch: observationBatch("r1") });
    expect(receipt?.items.map(violations)).toEqual([
      [],
      ["observations[1].quantity.unit UNIT_WRONG_DIMENSION"],
    ]);
    expect(records.received).toHaveLength(1);
  });

  it("reads all shapes of an observation from its message", async () => {
    const { client } = await openIngestion();
    const system = "https://wellapi.dev/fhir/CodeSystem/sleep-stage-observation";
    const effective = { case: "effectiveTimeText" as const, value: "2016-04-12T08:00:00" };
    const value = { case: "quantity" as const, value: { value: "120", unit: "mm[Hg]" } };
    const systolic = { code: { code: "8480-6" }, value };
    const batch = observationBatch("r1", {
      timeZone: "Asia/Kathmandu",
      observations: [
        {
          code: { system, code: "sleep-stage" },
          effective,
          utcOffsetMinutes: 345,
          value: { case: "coded", value: { system, code: "dreaming" } },
        },
        {
          code: { code: "85354-9" },
          effective,
          components: [systolic],
        },
      ],
    });
    const { receipt } = await client.createObservations({ batch });
    expect(receipt?.items.map(violations)).toEqual([
      [
        "observations[0].coded CODED_VALUE_UNKNOWN",
        "observations[0].utc_offset_minutes OFFSET_WITH_TIME_TEXT",
      ],
      ["observations[1].components COMPONENT_MISSING"],
    ]);
  });

  it("refuses parts of a millisecond in either shape", async () => {
    const { client } = await openIngestion();
    const value = { seconds: 1_460_000_000n, nanos: 1_000_001 };
    const times = {
      start: { case: "startTime", value },
      utcOffsetMinutes: 0,
      spacing: { case: "periodMs", value: 1 },
    } as const;
    const ofSeries = await client.createSeries({ batch: seriesBatch("r1", { series: [series({ times })] }) });
    expect(violations(ofSeries.receipt!.items[0]!)).toEqual(["series[0].times.start_time TIME_TOO_FINE"]);
    const batch = observationBatch("r2", {
      observations: [
        {
          code: { code: "29463-7" },
          effective: { case: "effectiveTime", value },
          utcOffsetMinutes: 0,
          value: { case: "quantity", value: { value: "80", unit: "kg" } },
        },
      ],
    });
    const ofObservations = await client.createObservations({ batch });
    expect(violations(ofObservations.receipt!.items[0]!)).toEqual([
      "observations[0].effective_time TIME_TOO_FINE",
    ]);
  });

  it("goes to records also where every item is wrong: an unauthorised caller learns nothing but that", async () => {
    const { client, records } = await openIngestion();
    records.when("r1", refuse(consentRequired));
    const batch = seriesBatch("r1", { series: [series({ unit: "kg" })] });
    expect(await problemOfCall(client.createSeries({ batch }))).toEqual(consentRequired);
    expect(records.received).toHaveLength(1);
  });

  it("is refused whole, and not sent on, where it breaks the contract, is too large or names no zone", async () => {
    const { client, asked } = await openIngestion();
    const large = series({ values: { case: "decimals", value: { mantissas: Array(60_000).fill(1) } } });
    const refused = await Promise.all(
      [
        seriesBatch("r 1"),
        seriesBatch("r2", { timeZone: "Mars/Olympus" }),
        seriesBatch("r3", { series: [large, large] }),
        seriesBatch("r4", { series: [] }),
      ].map((batch) => problemOfCall(client.createSeries({ batch }))),
    );
    expect(refused).toMatchObject([
      { reason: "INVALID_FIELD", violations: [{ field: "batch.request_id" }] },
      { reason: "INVALID_FIELD", violations: [{ field: "batch.time_zone", reason: "TIME_ZONE_UNKNOWN" }] },
      { reason: "INVALID_FIELD", violations: [{ field: "batch.series", reason: "BATCH_TOO_LARGE" }] },
      { reason: "INVALID_FIELD", violations: [{ field: "batch.series" }] },
    ]);
    expect(asked).toEqual([]);
  });

  it("can't hold what is no number", () => {
    const json = (mantissas: unknown[]) => ({ series: [{ decimals: { mantissas } }] }) as never;
    expect(fromJson(SeriesBatchSchema, json([72])).series).toHaveLength(1);
    for (const mantissa of ["NaN", "Infinity", 1.5, 2 ** 31, null]) {
      expect(() => fromJson(SeriesBatchSchema, json([mantissa]))).toThrow();
    }
  });

  it.each(["NaN", "Infinity", "6e1", "", "01", "+1", "1."])(
    "rejects the decimal %j, and keeps its neighbour",
    async (value) => {
      const { client } = await openIngestion();
      const batch = fromJson(ObservationBatchSchema, {
        requestId: "r1",
        patient: "pat_x",
        observations: [
          {
            code: { code: "29463-7" },
            effectiveTimeText: "2016-04-12T08:00:00Z",
            quantity: { value, unit: "kg" },
          },
          {
            code: { code: "29463-7" },
            effectiveTimeText: "2016-04-12T08:00:00+02:00",
            quantity: { value: "80.50", unit: "kg" },
          },
        ],
      });
      const { receipt } = await client.createObservations({ batch });
      expect(receipt!.items.map(violations)).toEqual([
        ["observations[0].quantity.value DECIMAL_INVALID"],
        [],
      ]);
      expect(receipt!.items[0]!.violations[0]!.description).toContain("for example 60 or 98.6");
    },
  );

  it("is retracted by records", async () => {
    const { client, records } = await openIngestion();
    const target = { case: "batch" as const, value: "bat_1" };
    const request = { patient: "pat_x", target, reason: RetractionReason.WRONG_PATIENT };
    expect((await client.retractBatch(request)).items).toBe(9);
    const method = "wellapi.ingestion.v1.IngestionService/RetractBatch";
    expect(records.retracted).toMatchObject([{ retraction: request, method }]);
  });
});

describe("a stream of batches", () => {
  it("answers each as it is done, and in full", async () => {
    const { client, records } = await openIngestion();
    const slow = Promise.withResolvers<void>();
    records.when("r1", () => slow.promise);
    const stream = openSeriesStream(client);
    stream.send(seriesBatch("r1"), seriesBatch("r2", { series: [series({ unit: "kg" })] }));
    const { value } = await stream.answers.next();
    expect(value).toMatchObject({
      requestId: "r2",
      result: {
        case: "receipt",
        value: {
          requestId: "r2",
          items: [
            {
              status: ItemOutcome_Status.REJECTED,
              violations: [{ field: "series[0].unit", reason: "UNIT_WRONG_DIMENSION" }],
            },
          ],
        },
      },
    });
    slow.resolve();
    expect(await stream.next()).toBe("r1 receipt");
    stream.end();
    expect(await stream.next()).toBe("end");
  });

  it("goes on after a failure, which says when to come again", async () => {
    const { client, records } = await openIngestion();
    records.when("r1", refuse(undecided));
    records.when("r2", refuse(consentRequired));
    const stream = openSeriesStream(client);
    stream.send(seriesBatch("r1"));
    expect((await stream.answers.next()).value).toMatchObject({
      requestId: "r1",
      result: {
        case: "failure",
        value: { code: Code.Unavailable, reason: "UNDECIDED", message: "not decided", retryAfterMs: 500 },
      },
    });
    stream.send(seriesBatch("r2"));
    expect(await stream.next()).toBe("r2 CONSENT_REQUIRED");
    stream.send(seriesBatch("r3", { timeZone: "Mars/Olympus" }));
    expect(await stream.next()).toBe("r3 INVALID_FIELD");
    stream.send(seriesBatch("r4"));
    expect(await stream.next()).toBe("r4 receipt");
    stream.end();
    expect(await stream.next()).toBe("end");
  });

  it("says that a batch whose deadline passed may be sent again", async () => {
    const { client, records } = await openIngestion();
    const late = { code: Code.DeadlineExceeded, reason: "DEADLINE_EXCEEDED", message: "late" };
    records.when("r1", refuse(late));
    const stream = openSeriesStream(client);
    stream.send(seriesBatch("r1"));
    expect((await stream.answers.next()).value).toMatchObject({
      result: { value: { reason: "DEADLINE_EXCEEDED", retryAfterMs: 1_000 } },
    });
    stream.end();
    expect(await stream.next()).toBe("end");
  });

  it("answers a message that breaks the contract, in the middle, and goes on", async () => {
    const { client, asked } = await openIngestion();
    const stream = openSeriesStream(client);
    stream.send(seriesBatch("r1"));
    expect(await stream.next()).toBe("r1 receipt");
    stream.send(seriesBatch("r2", { patient: "", series: [] }));
    expect((await stream.answers.next()).value).toMatchObject({
      requestId: "r2",
      result: {
        case: "failure",
        value: {
          code: Code.InvalidArgument,
          reason: "INVALID_FIELD",
          retryAfterMs: 0,
          violations: [{ field: "batch.patient" }, { field: "batch.series" }],
        },
      },
    });
    const tooLong = "x".repeat(1_000);
    stream.send(seriesBatch(tooLong), seriesBatch("r3"));
    const answers = [await stream.next(), await stream.next()].sort();
    expect(answers).toEqual(["r3 receipt", `${tooLong.slice(0, 128)} INVALID_FIELD`]);
    stream.end();
    expect(await stream.next()).toBe("end");
    expect(asked).toEqual(["AppendSeries", "AppendSeries"]);
  });

  it("reads no further while 16 batches are with records, and goes on when they are answered", async () => {
    const { client, records } = await openIngestion();
    const stalled = Promise.withResolvers<void>();
    const ids = Array.from({ length: 40 }, (_, i) => `r${i}`);
    for (const id of ids) records.when(id, () => stalled.promise);
    const stream = openSeriesStream(client);
    stream.send(...ids.map((id) => seriesBatch(id)));
    stream.end();
    const first = stream.next();
    await records.untilReceived(16);
    await settled();
    expect([records.received.length, stream.taken()]).toEqual([16, 16]);
    stalled.resolve();
    const answers = [await first];
    for (const _ of ids) answers.push(await stream.next());
    expect(answers.toSorted()).toEqual(["end", ...ids.map((id) => `${id} receipt`)].toSorted());
    expect(answers.at(-1)).toBe("end");
  });

  it("finishes the answers under way when the requests end", async () => {
    const { client, records } = await openIngestion();
    const slow = Promise.withResolvers<void>();
    records.when("r1", () => slow.promise);
    const stream = openSeriesStream(client);
    stream.send(seriesBatch("r1"));
    stream.end();
    const answer = stream.next();
    await records.untilReceived(1);
    await settled();
    slow.resolve();
    expect(await answer).toBe("r1 receipt");
    expect(await stream.next()).toBe("end");
  });

  it("sends nothing and begins nothing once it is cancelled, and cancels what is with records", async () => {
    const { client, records } = await openIngestion();
    const slow = Promise.withResolvers<void>();
    records.when("r1", () => slow.promise);
    const cancel = new AbortController();
    const stream = openSeriesStream(client, { signal: cancel.signal });
    stream.send(seriesBatch("r1"));
    const answer = problemOfCall(stream.next());
    await records.untilReceived(1);
    cancel.abort();
    expect((await answer).code).toBe(Code.Canceled);
    expect(records.signals.get("r1")!.aborted).toBe(true);
    slow.resolve();
    stream.send(seriesBatch("r2"));
    await settled();
    expect(records.received).toHaveLength(1);
  });

  it("hides what nobody expected, and shows it to the operator", async () => {
    const errors: unknown[] = [];
    const log: Logger = { ...silentLogger, error: (fields: unknown) => void errors.push(fields) };
    const times = [Number.NaN, NOW];
    const now = () => {
      const time = times.shift()!;
      if (Number.isNaN(time)) throw new Error("the clock is broken");
      return time;
    };
    const { client } = await openIngestion({ log, now });
    const stream = openSeriesStream(client);
    stream.send(seriesBatch("r1"), seriesBatch("r2"));
    const answers = [await stream.next(), await stream.next()].sort();
    expect(answers).toEqual(["r1 INTERNAL", "r2 receipt"]);
    expect(errors).toMatchObject([
      { err: new Error("the clock is broken"), rpc: "wellapi.ingestion.v1.IngestionService/StreamSeries" },
    ]);
    stream.end();
    expect(await stream.next()).toBe("end");
  });

  it("serves observations by the same rules", async () => {
    const { client, records } = await openIngestion();
    records.when("r2", refuse(consentRequired));
    async function* requests() {
      yield { batch: observationBatch("r1") };
      yield { batch: observationBatch("r2") };
      yield { batch: observationBatch("r3", { observations: [] }) };
    }
    const answers: string[] = [];
    for await (const { requestId, result } of client.streamObservations(requests())) {
      answers.push(`${requestId} ${result.case === "failure" ? result.value.reason : result.case}`);
    }
    expect(answers.sort()).toEqual(["r1 receipt", "r2 CONSENT_REQUIRED", "r3 INVALID_FIELD"]);
  });
});
