import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { samplesOf, verifyLogGrowth, WellApiError } from "@wellapi/client";
import {
  type Company,
  companyAt,
  enrolCompany,
  enrolPerson,
  type Person,
  personAt,
} from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import {
  ItemOutcome_Status,
  type SeriesBatch,
  SeriesBatchSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import {
  IngestionService,
  type StreamSeriesRequest,
  StreamSeriesRequestSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** `WELLAPI_CRASHES=100` for a night. */
const rounds = Number(process.env.WELLAPI_CRASHES ?? 10);
const samplesPerBatch = 40;
const code = "8867-4";
const epoch = Date.parse("2026-01-01T00:00:00Z");

/** Batch 0 has 60.000 beats a minute, batch 1 has 60.001. */
const least = 60_000;

/** What the client knows of a batch: sent, and whether it was answered. */
type Ledger = Map<number, "sent" | "acked">;

function batchOf(number: number, patient: string): SeriesBatch {
  return create(SeriesBatchSchema, {
    requestId: `crash-${number}`,
    patient,
    series: [
      {
        code: { code },
        unit: "/min",
        times: {
          start: { case: "startTime", value: timestampFromMs(epoch + number * samplesPerBatch * 1000) },
          utcOffsetMinutes: 0,
          spacing: { case: "periodMs", value: 1000 },
        },
        // The value names its batch, so that a sample of another batch in its place would show.
        values: {
          case: "decimals",
          value: { scale: 3, mantissas: new Array<number>(samplesPerBatch).fill(least + number) },
        },
      },
    ],
  });
}

/** As `readOnce`. A server that was just killed may be undecided for a moment, and then says when to ask again. */
async function readBack(person: Person): Promise<Map<number, number[]>> {
  for (let tries = 1; ; tries++) {
    try {
      return await readOnce(person);
    } catch (error) {
      const { reason, retryAfterMs } = WellApiError.from(error);
      if (reason !== "UNDECIDED" || retryAfterMs === undefined || tries === 10) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
    }
  }
}

/** The batch numbers found at each batch's place, by batch. */
async function readOnce(person: Person): Promise<Map<number, number[]>> {
  const found = new Map<number, number[]>();
  let ended = false;
  for await (const { payload } of createClient(RecordsService, person.transport).readSeries({
    patient: person.id,
    code: { code },
    purpose: Purpose.PATIENT_REQUEST,
  })) {
    if (payload.case === "end") ended = true;
    if (payload.case !== "series") continue;
    for (const { timeMs, value } of samplesOf(payload.value)) {
      const place = Math.floor((timeMs - epoch) / (samplesPerBatch * 1000));
      found.set(place, [...(found.get(place) ?? []), Math.round(Number(value) * 1_000) - least]);
    }
  }
  expect(ended).toBe(true);
  return found;
}

/** Streams until the server dies: several streams at once, new batches as long as it answers. */
async function load(maker: Company, patient: string, ledger: Ledger, next: () => number): Promise<void> {
  const client = createClient(IngestionService, maker.transport);
  const stream = async () => {
    let inFlight = 0;
    let wake: () => void = () => {};
    let over = false;
    async function* requests(): AsyncGenerator<StreamSeriesRequest> {
      while (!over) {
        if (inFlight >= 8) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        const number = next();
        ledger.set(number, "sent");
        inFlight += 1;
        yield create(StreamSeriesRequestSchema, { batch: batchOf(number, patient) });
      }
    }
    try {
      for await (const { requestId, result } of client.streamSeries(requests())) {
        inFlight -= 1;
        const accepted =
          result.case === "receipt" && result.value.items[0]?.status === ItemOutcome_Status.ACCEPTED;
        if (accepted) ledger.set(Number(requestId.slice("crash-".length)), "acked");
        wake();
      }
    } catch {
      // The server was killed: what was not answered stays "sent".
    } finally {
      over = true;
      wake();
    }
  };
  await Promise.all([stream(), stream(), stream()]);
}

describe("kill -9 at any moment under load", () => {
  const folder = temporaryFolder();
  let server: Server;
  let makerKeys: Company;
  let patientAtMaker = "";
  let personId = "";
  let checkpoint = "";
  let verifierKey = "";
  const ledger: Ledger = new Map();
  let numbers = 0;

  beforeAll(async () => {
    server = await startServer({ dataDir: folder.path });
    makerKeys = await enrolCompany(server, "Crash Maker");
    const person = await enrolPerson(server, "Crash Person");
    personId = person.id;
    await createClient(ConsentService, person.transport).createConsent({
      requestId: "crash",
      consent: {
        grantee: makerKeys.organization,
        provisions: [
          {
            effect: Provision_Effect.PERMIT,
            directions: [Direction.CONTRIBUTE],
            categories: [{ name: "heart" }],
          },
        ],
      },
    });
    const { consents } = await createClient(ConsentService, makerKeys.transport).listConsents({});
    patientAtMaker = consents[0]!.patient;
    ({ checkpoint, verifierKey } = await createClient(AuditService, person.transport).getCheckpoint({}));
  });

  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  test(`${rounds} times: acked batches read back once, no half batch shows, a resend repeats nothing, the log verifies`, async () => {
    const { operatorKey } = server;
    for (let round = 0; round < rounds; round++) {
      const maker = companyAt(server, makerKeys);
      const loading = load(maker, patientAtMaker, ledger, () => numbers++);
      await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 300));
      await server.kill();
      await loading;

      server = { ...(await startServer({ dataDir: folder.path })), operatorKey: operatorKey! };
      const person = await personAt(server, personId);
      const found = await readBack(person);
      for (const [number, state] of ledger) {
        const values = found.get(number) ?? [];
        const whole = values.length === samplesPerBatch && values.every((value) => value === number);
        expect(
          whole || (state === "sent" && values.length === 0),
          `batch ${number}, ${state}: ${values.length}`,
        ).toBe(true);
      }
      expect([...found.keys()].filter((number) => !ledger.has(number))).toEqual([]);

      const client = createClient(IngestionService, companyAt(server, makerKeys).transport);
      for (const [number, state] of ledger) {
        if (state === "acked") continue;
        const { receipt } = await client.createSeries({ batch: batchOf(number, patientAtMaker) });
        const stored = (found.get(number)?.length ?? 0) > 0;
        expect(receipt?.items[0]?.status).toBe(
          stored ? ItemOutcome_Status.DUPLICATE : ItemOutcome_Status.ACCEPTED,
        );
        ledger.set(number, "acked");
      }
      const grown = await verifyLogGrowth(
        createClient(AuditService, person.transport),
        checkpoint,
        verifierKey,
      );
      expect(grown.to).toBeGreaterThanOrEqual(grown.from);
      ({ checkpoint } = await createClient(AuditService, person.transport).getCheckpoint({}));
    }
    const found = await readBack(await personAt(server, personId));
    expect(found.size).toBe(ledger.size);
    expect(ledger.size).toBeGreaterThan(rounds);
    for (const [number, values] of found) expect(values).toEqual(new Array(samplesPerBatch).fill(number));
  }, 600_000);
});
