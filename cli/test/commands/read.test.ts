import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import {
  type AggregateSeriesRequest,
  type ListSeriesRequest,
  type ReadSeriesRequest,
  RecordsService,
  type WatchSeriesRequest,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemError } from "@wellapi/grpc-client";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

const at = (minute: number) => timestampFromMs(Date.UTC(2026, 3, 12, 8, minute));
const start = { payload: { case: "start" as const, value: { access: "acc_1" } } };
const series = {
  unit: "/min",
  times: {
    start: { case: "startTime" as const, value: at(0) },
    spacing: { case: "periodMs" as const, value: 60_000 },
  },
  values: { case: "decimals" as const, value: { scale: 1, mantissas: [701, 690] } },
};
const run = { payload: { case: "series" as const, value: { series } } };
const lines = "2026-04-12T08:00:00.000Z,70.1,/min\n2026-04-12T08:01:00.000Z,69.0,/min";
const of = ["--patient", "pat_1", "--code", "8867-4"];

/** A reader's stream of these messages, and what was asked. */
async function openReads(messages: object[]) {
  const asked: ReadSeriesRequest[] = [];
  const env = await openGateway(({ service }) =>
    service(RecordsService, {
      async *readSeries(request) {
        asked.push(request);
        yield* messages;
      },
    }),
  );
  return { env, asked };
}

const end = { payload: { case: "end" as const, value: { samples: 2 } } };

test("a read that finds nothing says so beside its empty output", async () => {
  const { env } = await openReads([{ payload: { case: "end", value: { samples: 0 } } }]);
  const { code, out, err } = await wellapi(["read", ...of], { env });
  expect([code, out, err]).toEqual([0, "", expect.stringContaining("series list")]);
});

test("reads as CSV lines", async () => {
  const { env, asked } = await openReads([start, run, end]);
  const options = ["--from", "2026-04-12T08:00:00Z", "--unit", "/s", "--digits", "2"];
  expect(await wellapi(["read", ...of, ...options], { env })).toEqual({ code: 0, out: lines, err: "" });
  expect(asked).toMatchObject([
    {
      patient: "pat_1",
      code: { system: "", code: "8867-4" },
      interval: { startTime: at(0) },
      unit: "/s",
      digits: 2,
      purpose: Purpose.TREATMENT,
    },
  ]);
});

test("a read says beside its lines, once, what the patient disputes of them", async () => {
  const source = { organization: "org_1", disputed: [{ startTime: at(0), endTime: at(1) }] };
  const disputed = { payload: { case: "series" as const, value: { series, source } } };
  const { env } = await openReads([start, disputed, disputed, end]);
  const { out, err } = await wellapi(["read", ...of], { env });
  expect(out).toBe(`${lines}\n${lines}`);
  expect(err).toBe(
    "the patient disputes data of org_1 from 2026-04-12T08:00:00.000Z to before 2026-04-12T08:01:00.000Z",
  );
  expect((await wellapi(["read", ...of, "--json"], { env })).err).toBe("");
});

test("reads as JSON, a run a line", async () => {
  const { env } = await openReads([start, run, run, end]);
  const { out } = await wellapi(["read", ...of, "--json"], { env });
  const [first, ...others] = out.split("\n").map((line) => JSON.parse(line) as object);
  expect(first).toMatchObject({ series: { unit: "/min" } });
  expect(others).toHaveLength(1);
});

test("an answer that was cut is no success, whatever was printed", async () => {
  const { env } = await openReads([start, run]);
  const { code, out, err } = await wellapi(["read", ...of], { env });
  expect([code, out]).toEqual([7, lines]);
  expect(err).toBe("the answer was cut off: what was printed is not all; read again");
});

test("a patient reads at the patient's request unless another purpose is said", async () => {
  const { env, asked } = await openReads([end]);
  const asPatient = { WELLAPI_URL: env.WELLAPI_URL!, WELLAPI_TOKEN: "ey.token" };
  await wellapi(["read", ...of], { env: asPatient });
  await wellapi(["read", ...of, "--purpose", "research"], { env: asPatient });
  expect(asked.map(({ purpose }) => purpose)).toEqual([Purpose.PATIENT_REQUEST, Purpose.RESEARCH]);
});

test("a code may name its system", async () => {
  const { env, asked } = await openReads([end]);
  await wellapi(["read", "--patient", "pat_1", "--code", "http://loinc.org|8867-4"], { env });
  expect(asked).toMatchObject([{ code: { system: "http://loinc.org", code: "8867-4" } }]);
});

test("watches until Ctrl-C, connects again after a cut, and goes on where it was", async () => {
  const stop = new AbortController();
  const asked: WatchSeriesRequest[] = [];
  const env = await openGateway(({ service }) =>
    service(RecordsService, {
      async *watchSeries(request) {
        asked.push(request);
        if (asked.length === 1) {
          yield { ...run, resumeToken: "token-1" };
          throw problemError({ code: Code.Unavailable, reason: "STORE_UNAVAILABLE", message: "later" });
        }
        const interval = { startTime: at(0), endTime: at(2) };
        const retraction = { batch: "bat_1", codes: [{ code: "8867-4" }], interval };
        yield { payload: { case: "retraction" as const, value: retraction }, resumeToken: "token-2" };
        await new Promise(() => {});
      },
    }),
  );
  const watched = await wellapi(["watch", ...of, "--resume", "token-0"], {
    env,
    interrupt: stop.signal,
    onOut: (text) => {
      if (text.startsWith("#")) stop.abort();
    },
  });
  expect(watched.code).toBe(0);
  expect(watched.out).toBe(
    `${lines}\n# taken back: 8867-4 of batch bat_1, from 2026-04-12T08:00:00.000Z to before 2026-04-12T08:02:00.000Z`,
  );
  expect(watched.err).toContain("connecting again: what was cut comes once more");
  expect(asked.map(({ resumeToken }) => resumeToken)).toEqual(["token-0", "token-1"]);
});

test("a watch of which nothing comes says that it waits", async () => {
  const stop = new AbortController();
  const env = await openGateway(({ service }) =>
    service(RecordsService, {
      async *watchSeries() {
        await new Promise(() => {});
      },
    }),
  );
  const watched = await wellapi(["watch", ...of], {
    env,
    interrupt: stop.signal,
    onErr: () => stop.abort(),
  });
  expect(watched).toEqual({ code: 0, out: "", err: "waiting for what arrives; Ctrl-C ends it" });
});

test("a watch that is refused ends with the refusal", async () => {
  const env = await openGateway(({ service }) =>
    service(RecordsService, {
      // biome-ignore lint/correctness/useYield: it is refused before its first message
      async *watchSeries() {
        throw problemError({ code: Code.PermissionDenied, reason: "CONSENT_REVOKED", message: "revoked" });
      },
    }),
  );
  expect(await wellapi(["watch", ...of], { env })).toEqual({
    code: 4,
    out: "",
    err: "CONSENT_REVOKED: revoked",
  });
});

test("aggregates: what is withheld, a part of a bucket, and how long codes held", async () => {
  const asked: AggregateSeriesRequest[] = [];
  const env = await openGateway(({ service }) =>
    service(RecordsService, {
      aggregateSeries(request) {
        asked.push(request);
        const whole = { startTime: at(0), count: 5, min: "60", max: "80", mean: "70.5", sum: "352.5" };
        const withheld = { startTime: at(1), count: 5, mean: "70", sum: "350", partial: true };
        const asleep = { value: { code: "deep" }, duration: durationFromMs(90_000) };
        return request.pageToken === ""
          ? { aggregates: [{ unit: "/min", buckets: [whole, withheld] }], nextPageToken: "1" }
          : { aggregates: [{ buckets: [{ startTime: at(2), count: 2, codeTimes: [asleep] }] }] };
      },
    }),
  );
  const span = ["--from", "2026-04-12T08:00:00Z", "--to", "2026-04-13T08:00:00Z", "--by", "day"];
  const { out } = await wellapi(["aggregate", ...of, ...span], { env });
  expect(out.split("\n")).toEqual([
    "2026-04-12T08:00:00.000Z count 5 min 60 mean 70.5 max 80 sum 352.5 /min",
    "2026-04-12T08:01:00.000Z count 5 min withheld mean 70 max withheld sum 350 /min (a part)",
    "2026-04-12T08:02:00.000Z count 2 deep 1.5 min",
  ]);
  expect(asked.map(({ bucketSize, pageToken }) => [bucketSize, pageToken])).toEqual([
    [BucketSize.DAY, ""],
    [BucketSize.DAY, "1"],
  ]);
});

test("says that there is nothing to aggregate", async () => {
  const env = await openGateway(({ service }) => service(RecordsService, { aggregateSeries: () => ({}) }));
  const span = ["--from", "2026-04-12T08:00:00Z", "--to", "2026-04-13T08:00:00Z", "--by", "day"];
  expect((await wellapi(["aggregate", ...of, ...span], { env })).out).toBe("none");
});

test("lists what there is, and where a count is not told", async () => {
  const asked: ListSeriesRequest[] = [];
  const env = await openGateway(({ service }) =>
    service(RecordsService, {
      listSeries(request) {
        asked.push(request);
        const code = { code: "8867-4", display: "Heart rate" };
        return {
          series: [{ code, units: ["/min"], span: { startTime: at(0) }, source: { deviceId: "dev_1" } }],
        };
      },
    }),
  );
  const { out } = await wellapi(["series", "list", ...of], { env });
  expect(out).toMatch(/8867-4 .* Heart rate .* \/min .* 2026-04-12T08:00:00.000Z .* not told .* dev_1/);
  expect(asked).toMatchObject([{ patient: "pat_1", codes: [{ code: "8867-4" }] }]);
});
