import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ItemOutcome_Status, type SeriesBatch } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect, onTestFinished, test } from "vitest";
import { createAuthority } from "../../../packages/rpc/test/certificates.ts";
import { openFolder, wellapi } from "./world.ts";

type Verdict = "accepted" | "duplicate" | "rejected" | "failed";

/** A door with mutual TLS that judges each batch, and a company's credentials for it. */
async function openDoor(judge: (batch: SeriesBatch) => Verdict) {
  const [servers, clients] = [await createAuthority("servers"), await createAuthority("clients")];
  const [own, company] = [await servers.issue({ name: "localhost" }), await clients.issue({ name: "pulse" })];
  const received: SeriesBatch[] = [];
  const statuses = {
    accepted: ItemOutcome_Status.ACCEPTED,
    duplicate: ItemOutcome_Status.DUPLICATE,
    rejected: ItemOutcome_Status.REJECTED,
  };
  const routes = connectNodeAdapter({
    routes: ({ service }) =>
      service(IngestionService, {
        async *streamSeries(requests) {
          for await (const { batch } of requests) {
            received.push(batch!);
            const verdict = judge(batch!);
            const { requestId } = batch!;
            if (verdict === "failed") {
              const failure = {
                code: Code.PermissionDenied,
                reason: "CONSENT_REQUIRED",
                message: "no consent",
              };
              yield { requestId, result: { case: "failure" as const, value: failure } };
              continue;
            }
            const violations = [{ field: "series[0].unit", description: "is no unit", reason: "UNIT" }];
            const item = { status: statuses[verdict], ...(verdict === "rejected" ? { violations } : {}) };
            const receipt = { batch: verdict === "rejected" ? "" : `bat_${received.length}`, items: [item] };
            yield { requestId, result: { case: "receipt" as const, value: receipt } };
          }
        },
      }),
  });
  const server = createSecureServer(
    {
      cert: own.certificate,
      key: own.privateKey,
      ca: clients.certificate,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.3",
    },
    routes,
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const folder = openFolder();
  const credentials = `${folder}/pulse`;
  mkdirSync(credentials);
  writeFileSync(`${credentials}/cert.pem`, company.certificate);
  writeFileSync(`${credentials}/key.pem`, company.privateKey);
  writeFileSync(`${credentials}/ca.pem`, servers.certificate);
  const file = `${folder}/data.csv`;
  const rows = [0, 1, 2, 3, 4].map((n) => `2026-04-12T08:0${n}:00Z,6${n}.5`);
  writeFileSync(file, `time,value\n${rows.join("\n")}\n`);
  const env = {
    WELLAPI_GRPC_URL: `https://localhost:${(server.address() as AddressInfo).port}`,
    WELLAPI_CREDENTIALS: credentials,
    XDG_STATE_HOME: `${folder}/state`,
  };
  /** The files of unfinished uploads. */
  const unfinished = () =>
    readdirSync(`${folder}/state/wellapi`).map((name) => `${folder}/state/wellapi/${name}`);
  const ingest = ["ingest", file, "--patient", "pat_1", "--code", "8867-4", "--unit", "/min", "--batch", "2"];
  return { env, folder, file, ingest, received, unfinished };
}

test("streams a file in batches over mutual TLS, and says what became of each", async () => {
  const { env, ingest, received, unfinished } = await openDoor(({ series }) =>
    series[0]!.values.case === "decimals" && series[0]!.values.value.mantissas.includes(645)
      ? "duplicate"
      : "accepted",
  );
  const { code, out, err } = await wellapi([...ingest, "--device", "d-1"], { env });
  expect([code, err]).toEqual([0, ""]);
  expect(out).toBe("5 samples: 4 accepted, 1 were stored before, 0 skipped, 0 rejected, 0 failed");
  expect(received.map(({ patient, series }) => [patient, series[0]?.device?.identifier])).toEqual([
    ["pat_1", "d-1"],
    ["pat_1", "d-1"],
    ["pat_1", "d-1"],
  ]);
  expect(unfinished()).toEqual([]);
});

test("what is rejected or fails is told with its reason; a second run sends that, and nothing that is stored", async () => {
  const verdicts: Verdict[] = ["accepted", "rejected", "failed"];
  const { env, ingest, received, unfinished } = await openDoor(() => verdicts.shift() ?? "accepted");
  const first = await wellapi([...ingest, "--json"], { env });
  expect(first.code).toBe(8);
  expect(JSON.parse(first.out)).toMatchObject({
    samples: 5,
    accepted: 2,
    rejected: 2,
    failed: 1,
    skipped: 0,
  });
  expect(JSON.parse(first.err)).toEqual({
    error: { reason: "INPUT", message: "series[0].unit: is no unit\nCONSENT_REQUIRED: no consent" },
  });
  expect(unfinished().map((path) => readFileSync(path, "utf8"))).toEqual([`${received[0]!.requestId}\n`]);
  const second = await wellapi([...ingest, "--json"], { env });
  expect(JSON.parse(second.out)).toMatchObject({ accepted: 3, skipped: 2 });
  expect(received).toHaveLength(5);
  expect(unfinished()).toEqual([]);
});

test("a second run under another name and in another folder sends nothing that is stored", async () => {
  const verdicts: Verdict[] = ["accepted", "accepted", "failed"];
  const { env, folder, file, ingest, received, unfinished } = await openDoor(
    () => verdicts.shift() ?? "accepted",
  );
  await wellapi([...ingest, "--json"], { env });
  mkdirSync(`${folder}/moved`);
  renameSync(file, `${folder}/moved/renamed.csv`);
  const renamed = ingest.map((one) => (one === file ? `${folder}/moved/renamed.csv` : one));
  const second = await wellapi([...renamed, "--json"], { env });
  expect(JSON.parse(second.out)).toMatchObject({ accepted: 1, skipped: 4 });
  expect(new Set(received.slice(0, 3).map(({ requestId }) => requestId))).toContain(received[3]!.requestId);
  expect(received).toHaveLength(4);
  expect(unfinished()).toEqual([]);
});

test("leaves out rows that cannot be read where it may, and tells which", async () => {
  const { env, folder, file, ingest, received } = await openDoor(() => "accepted");
  const rows = [
    "08:00:00Z,70",
    "08:01:00Z,abc",
    "25:00:00Z,71",
    "08:02:00Z,72",
    "08:01:30Z,73",
    "08:01:45Z,73", // after the row before it, which is not sent
    "08:03:00Z,74",
  ];
  writeFileSync(file, `time,value\n${rows.map((row) => `2026-04-12T${row}`).join("\n")}\n`);
  expect((await wellapi(ingest, { env })).code).toBe(8);
  expect(received).toEqual([]);
  const report = `${folder}/report.csv`;
  const { code, out, err } = await wellapi([...ingest, "--skip-invalid", "--report", report], { env });
  expect(code).toBe(0);
  expect(out).toBe(
    "3 samples: 3 accepted, 0 were stored before, 0 skipped, 0 rejected, 0 failed, 4 rows left out",
  );
  expect(err.split("\n")).toEqual([
    "4 rows can't be read and are left out:",
    expect.stringMatching(/^ {2}line 3: value "abc"/),
    expect.stringMatching(/^ {2}line 4: time .* does not exist/),
    "  line 6: times must ascend; sort the file",
    "  line 7: times must ascend; sort the file",
  ]);
  expect(readFileSync(report, "utf8").split("\n")).toEqual([
    "line,problem",
    expect.stringMatching(/^3,"value ""abc""/),
    expect.stringMatching(/^4,/),
    expect.stringMatching(/^6,/),
    expect.stringMatching(/^7,/),
    "",
  ]);
  expect(received.map(({ series }) => series[0]!.values.value)).toMatchObject([
    { mantissas: [70, 72] },
    { mantissas: [74] },
  ]);
});

test("takes a file of epoch seconds with semicolons and decimal commas", async () => {
  const { env, file, ingest, received } = await openDoor(() => "accepted");
  writeFileSync(file, "time;value\n1460448000;98,6\n1460448060;98,70\n");
  const format = ["--time-format", "epoch-seconds", "--time-zone", "Europe/Berlin"];
  expect(await wellapi([...ingest, ...format], { env })).toMatchObject({
    code: 8,
    err: expect.stringContaining("--decimal-comma"),
  });
  expect(await wellapi([...ingest, ...format, "--decimal-comma"], { env })).toMatchObject({ code: 0 });
  expect(received[0]!.series[0]).toMatchObject({
    times: {
      start: { value: { seconds: 1_460_448_000n } },
      utcOffsetMinutes: 120,
      spacing: { value: 60_000 },
    },
    values: { value: { scale: 2, mantissas: [9860, 9870] } },
  });
});

test("a format that nobody understands, and a report of nothing, are refused before anything is read", async () => {
  const { env, ingest, received } = await openDoor(() => "accepted");
  for (const wrong of [
    ["--time-format", "qqqq"],
    ["--time-format", "H:mm"],
    ["--delimiter", "::"],
    ["--report", "/r"],
  ]) {
    expect((await wellapi([...ingest, ...wrong], { env })).code).toBe(2);
  }
  expect(received).toEqual([]);
});

test("values of an interval say its class", async () => {
  const { env, ingest, received } = await openDoor(() => "accepted");
  const without = await wellapi([...ingest, "--duration", "60"], { env });
  expect(without).toMatchObject({ code: 8, err: expect.stringContaining("--granularity") });
  expect(received).toEqual([]);
  await wellapi([...ingest, "--duration", "60", "--granularity", "minute"], { env });
  expect(received[0]!.series[0]).toMatchObject({
    granularity: Granularity.MINUTE,
    times: { durationMs: 60_000 },
  });
});

test.each([
  ["a row that cannot be read", "time,value\n2026-04-12T08:00:00Z,70\n2026-04-12T08:01:00Z,abc\n", /line 3/],
  ["no row", "time,value\n", /has no rows/],
])("%s stops it before anything is sent", async (_name, content, message) => {
  const { env, file, ingest, received } = await openDoor(() => "accepted");
  writeFileSync(file, content);
  expect(await wellapi(ingest, { env })).toMatchObject({
    code: 8,
    out: "",
    err: expect.stringMatching(message),
  });
  expect(received).toEqual([]);
});

test("needs a certificate: an API key does not open the door", async () => {
  const { file, ingest } = await openDoor(() => "accepted");
  expect(existsSync(file)).toBe(true);
  const env = { WELLAPI_API_KEY: "wak_test" };
  expect(await wellapi(ingest, { env })).toMatchObject({
    code: 2,
    err: expect.stringContaining("--credentials"),
  });
});
