import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson } from "@wellapi/demo/people";
import type { Server } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import {
  ItemOutcome_Status,
  type SeriesBatch,
  SeriesBatchSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Problem, problemOf } from "@wellapi/rpc";

export const heartRate = "8867-4";

/** A maker that may contribute a person's heart rates, and a clinic that may read them. */
export async function enrolScene(server: Server, name: string) {
  const maker = await enrolCompany(server, `${name} maker`);
  const clinic = await enrolCompany(server, `${name} clinic`);
  const person = await enrolPerson(server, `${name} person`);
  await grant(person, maker, Direction.CONTRIBUTE);
  await grant(person, clinic, Direction.READ);
  const idAt = async (transport: Transport) =>
    (await createClient(ConsentService, transport).listConsents({})).consents[0]!.patient;
  return { maker, clinic, atMaker: await idAt(maker.transport), atClinic: await idAt(clinic.transport) };
}

let minute = Date.parse("2026-01-01T00:00:00Z");

/** Three heart rates of minutes that nothing else was measured in. */
export function freshBatch(patient: string): SeriesBatch {
  minute += 3 * 60_000;
  return create(SeriesBatchSchema, {
    requestId: randomUUID(),
    patient,
    series: [
      {
        code: { code: heartRate },
        unit: "/min",
        times: {
          start: { case: "startTime", value: timestampFromMs(minute) },
          utcOffsetMinutes: 0,
          spacing: { case: "periodMs", value: 60_000 },
        },
        values: { case: "decimals", value: { mantissas: [70, 71, 72] } },
      },
    ],
  });
}

export interface Ingest {
  /** Batches that were answered as accepted. */
  readonly acked: readonly SeriesBatch[];
  /** The error of the stream, or of the first failed call. */
  readonly ended: Promise<Problem>;
  /** Sends no more. */
  stop(): void;
}

/** Resolves once so many batches are answered; rejects with the reason if the load ends before. */
export async function untilAcked({ acked, ended }: Ingest, count: number, timeoutMs: number): Promise<void> {
  let problem: Problem | undefined;
  void ended.then((end) => {
    problem = end;
  });
  for (const deadline = performance.now() + timeoutMs; acked.length < count; await delay(10)) {
    if (problem) throw new Error(`ended after ${acked.length} batches: ${JSON.stringify(problem)}`);
    if (performance.now() > deadline)
      throw new Error(`${acked.length} batches were answered in ${timeoutMs} ms`);
  }
}

/** Batches that one stream may have unanswered. */
const window = 3;

/** Sends batches on one stream, up to fifty a second, until the server ends it. */
export function streamBatches({ transport }: Company, patient: string): Ingest {
  const acked: SeriesBatch[] = [];
  const sent = new Map<string, SeriesBatch>();
  let answered = 0;
  let over = false;
  async function* requests() {
    while (!over) {
      await delay(20);
      if (sent.size - answered >= window) continue;
      const batch = freshBatch(patient);
      sent.set(batch.requestId, batch);
      yield { batch };
    }
  }
  const told = async (): Promise<Problem> => {
    try {
      for await (const { requestId, result } of createClient(IngestionService, transport).streamSeries(
        requests(),
      )) {
        answered++;
        if (result.case === "receipt") acked.push(sent.get(requestId)!);
      }
      throw new Error("the stream ended as if it had been complete");
    } catch (error) {
      return problemOf(ConnectError.from(error));
    } finally {
      over = true;
    }
  };
  return {
    acked,
    ended: told(),
    stop() {
      over = true;
    },
  };
}

/** Sends batches one call after another, until one fails. */
export function callWithBatches({ transport }: Company, patient: string): Ingest {
  const acked: SeriesBatch[] = [];
  let over = false;
  const told = async (): Promise<Problem> => {
    try {
      while (!over) {
        const batch = freshBatch(patient);
        await createClient(IngestionService, transport).createSeries({ batch });
        acked.push(batch);
      }
      throw new Error("no call failed");
    } catch (error) {
      return problemOf(ConnectError.from(error));
    }
  };
  return {
    acked,
    ended: told(),
    stop() {
      over = true;
    },
  };
}

/** How many of the batches the server does not know. */
export async function lost({ transport }: Company, batches: readonly SeriesBatch[]): Promise<number> {
  const ingestion = createClient(IngestionService, transport);
  let missing = 0;
  for (const batch of batches) {
    const { receipt } = await ingestion.createSeries({ batch });
    if (receipt?.items[0]?.status !== ItemOutcome_Status.DUPLICATE) missing++;
  }
  return missing;
}
