import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
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
  };
  const ingest = ["ingest", file, "--patient", "pat_1", "--code", "8867-4", "--unit", "/min", "--batch", "2"];
  return { env, file, ingest, received };
}

test("streams a file in batches over mutual TLS, and says what became of each", async () => {
  const { env, file, ingest, received } = await openDoor(({ series }) =>
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
  expect(existsSync(`${file}.wellapi-progress`)).toBe(false);
});

test("what is rejected or fails is told with its reason; a second run sends that, and nothing that is stored", async () => {
  const verdicts: Verdict[] = ["accepted", "rejected", "failed"];
  const { env, file, ingest, received } = await openDoor(() => verdicts.shift() ?? "accepted");
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
  expect(readFileSync(`${file}.wellapi-progress`, "utf8")).toBe(`${received[0]!.requestId}\n`);
  const second = await wellapi([...ingest, "--json"], { env });
  expect(JSON.parse(second.out)).toMatchObject({ accepted: 3, skipped: 2 });
  expect(received).toHaveLength(5);
  expect(existsSync(`${file}.wellapi-progress`)).toBe(false);
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
