/**
 * What the library promises, against a running exchange: `node sdk/typescript/test/against-exchange.ts FILE`, where FILE (JSON) says what
 * there is (test/described-exchange.ts writes it). Prints a line for each thing that holds; an AssertionError says which does not. Of
 * each release it is kept, and run against later exchanges.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  batchesOf,
  type Connection,
  connect,
  createClient,
  querySeries,
  type Row,
  readSeries,
  samplesOf,
  uploadSeries,
  verifyLogGrowth,
  verifyLoggedAccess,
  verifyReceipt,
  WellApiError,
  watchSeries,
} from "@wellapi/client";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";

interface Here {
  readonly door: string;
  readonly gateway: string;
  readonly credentials: string;
  readonly patient: string;
  readonly patientToken: string;
  readonly apiKey: string;
  readonly receipt: string;
}

const here = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as Here;
const pem = (name: string) => readFileSync(`${here.credentials}/${name}.pem`, "utf8");
const certificate = { cert: pem("cert"), key: pem("key"), ca: pem("ca") };
const start = Date.UTC(2026, 4, 10, 8);
const minute = 60_000;
const query = { patient: here.patient, code: { code: "8867-4" }, purpose: Purpose.TREATMENT };

/** Of one value a minute, from 60.0 up by tenths. */
function batches(day: number, samples: number, samplesPerBatch: number) {
  async function* rows(): AsyncGenerator<Row> {
    for (let at = 0; at < samples; at++) {
      const timeMs = start + day * 24 * 60 * minute + at * minute;
      yield { timeMs, offsetMinutes: 120, mantissa: 600 + at, scale: 1 };
    }
  }
  const options = { patient: here.patient, code: "8867-4", unit: "/min", durationMs: 0, samplesPerBatch };
  return batchesOf(rows(), options);
}

async function valuesOfDay(
  connection: Connection,
  day: number,
  read: typeof readSeries | typeof querySeries,
) {
  const values: string[] = [];
  const from = start + day * 24 * 60 * minute;
  for await (const run of read(createClient(RecordsService, connection), query)) {
    for (const { timeMs, value } of samplesOf(run)) {
      if (timeMs >= from && timeMs < from + 24 * 60 * minute) values.push(value);
    }
  }
  return values;
}

const expected = Array.from({ length: 20 }, (_, at) => `${((600 + at) / 10).toFixed(1)}`);

/** The same batches again are duplicates, and what is read is exactly what was sent. */
async function byCertificate(door: Connection): Promise<void> {
  for (let time = 0; time < 2; time++) {
    let stored = 0;
    await uploadSeries(createClient(IngestionService, door), batches(0, 20, 4), {
      onAnswer: (_batch, answer) => {
        if ("receipt" in answer) stored += 1;
      },
    });
    assert.equal(stored, 5);
    assert.deepEqual(await valuesOfDay(door, 0, readSeries), expected);
  }
}

async function byKey(gateway: Connection): Promise<void> {
  for await (const batch of batches(1, 20, 20)) {
    const { receipt } = await createClient(IngestionService, gateway).createSeries({ batch });
    assert.ok(receipt?.batch);
  }
  assert.deepEqual(await valuesOfDay(gateway, 1, querySeries), expected);
}

async function pages(gateway: Connection): Promise<void> {
  const { consents } = await createClient(ConsentService, gateway).listConsents({ pageSize: 1 });
  assert.equal(consents[0]?.patient, here.patient);
}

async function refusals(door: Connection): Promise<void> {
  const asked = createClient(RecordsService, door).querySeries({ ...query, patient: "" });
  const error = await asked.then(() => undefined, WellApiError.from);
  assert.equal(error?.reason, "INVALID_FIELD");
  assert.deepEqual(
    error?.violations.map(({ field }) => field),
    ["patient"],
  );
}

async function watch(door: Connection): Promise<void> {
  const request = { patient: here.patient, codes: [{ code: "8867-4" }], purpose: Purpose.TREATMENT };
  const messages = watchSeries(createClient(RecordsService, door), request);
  await messages.next();
  await uploadSeries(createClient(IngestionService, door), batches(2, 3, 3), { onAnswer: () => {} });
  const arrived: string[] = [];
  for await (const { payload } of messages) {
    if (payload.case === "series") arrived.push(...samplesOf(payload.value).map(({ value }) => value));
    if (arrived.length >= 3) break;
  }
  assert.deepEqual(arrived, ["60.0", "60.1", "60.2"]);
}

/** The patient verifies a read, and that the log only grew, with the key that was kept. */
async function log(door: Connection): Promise<void> {
  const anybody = createClient(AuditService, connect({ url: here.gateway }));
  const { verifierKey, checkpoint } = await anybody.getCheckpoint({});
  const { jwks } = await anybody.getReceiptKeys({});
  const { access } = await createClient(RecordsService, door).querySeries(query);
  const patient = createClient(AuditService, connect({ url: here.gateway, token: here.patientToken }));
  const verified = await untilLogged(() => verifyLoggedAccess(patient, access, verifierKey));
  assert.equal(verified.access.id, access);
  const grown = await verifyLogGrowth(patient, checkpoint, verifierKey);
  assert.ok(grown.to > grown.from);
  assert.ok(await verifyReceipt("wellapi-consent-receipt+jwt", here.receipt, JSON.parse(jwks)));
}

/** An entry is durable before the answer leaves, and reaches the log a moment later. */
async function untilLogged<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof WellApiError) || error.reason !== "NOT_FOUND" || attempt > 60) throw error;
      await sleep(250);
    }
  }
}

const retries = { attempts: 5 };
const door = connect({ url: here.door, certificate, retries });
const gateway = connect({ url: here.gateway, apiKey: here.apiKey, retries });
const parts = { byCertificate, byKey, pages, refusals, watch, log };
for (const [name, part] of Object.entries(parts)) {
  await part(["byKey", "pages"].includes(name) ? gateway : door);
  process.stdout.write(`ok ${name}\n`);
}
door.close();
