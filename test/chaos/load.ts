import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { uploadSeries } from "@wellapi/client";
import { consentFor } from "@wellapi/demo/consents";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { ItemOutcome_Status, type SeriesBatch } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { batchOf, blockOf, code, numberOf } from "./batches.ts";
import { callMs, isPassing, untilAnswered } from "./clients.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import type { Patient, World } from "./world.ts";

export interface Load {
  readonly ledger: Ledger;
  /** Nothing new is sent or read, and watches go on; resolves once all that was sent is answered. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** Between two batches of one stream. */
const paceMs = 600;
const visitEveryMs = 2_000;
const readEveryMs = 1_000;

/**
 * What goes on while things break: each maker streams each patient's series, a clinic watches and reads them, and a
 * visitor's consent comes and goes. Clients do what real ones do: connect again, and send again what was not acked.
 */
export function openLoad(world: World): Load {
  const { makers, patients } = world;
  const ledger = createLedger(patients.map(({ name }) => name));
  const over = new AbortController();
  const settling = new AbortController();

  for (const patient of patients) ledger.of(patient.name).beginning = beginningOf(world, patient);

  const stream = async (patient: Patient, maker: number) => {
    const { sent, acks, beginning } = ledger.of(patient.name);
    await beginning;
    async function* batches(): AsyncGenerator<SeriesBatch> {
      while (!settling.signal.aborted) {
        yield batchOf(ledger.next(patient.name), patient.atMakers[maker]!);
        await delay(paceMs, undefined, { signal: over.signal });
      }
    }
    await uploadSeries(createClient(IngestionService, makers[maker]!.transport), batches(), {
      window: 8,
      attempts: Number.POSITIVE_INFINITY,
      signal: over.signal,
      onCut: () => {},
      onAnswer({ requestId }, answer) {
        const number = numberOf(requestId);
        if (number === undefined || !sent.has(number)) ledger.violation(`an answer to ${requestId}`);
        else if ("failure" in answer) ledger.violation(`batch ${number} failed: ${answer.failure.reason}`);
        else if (answer.receipt.items[0]?.status === ItemOutcome_Status.REJECTED)
          ledger.violation(`batch ${number} was rejected`);
        else acks.set(number, { number });
      },
    });
  };

  const streams = patients.flatMap((patient) => makers.map((_, maker) => stream(patient, maker)));
  const others = patients.flatMap((patient) => [
    read(world, patient, ledger, settling.signal),
    visit(world, patient, ledger, settling.signal),
  ]);
  const told = (work: Promise<void>, signal: AbortSignal) =>
    work.catch((error: unknown) => {
      if (!signal.aborted) ledger.violation(`a client ended: ${ConnectError.from(error).message}`);
    });
  const busy = [
    ...streams.map((work) => told(work, over.signal)),
    ...others.map((work) => told(work, settling.signal)),
  ];
  const watches = patients.map((patient) => told(watch(world, patient, ledger, over.signal), over.signal));
  return {
    ledger,
    async settle() {
      settling.abort();
      await Promise.all(busy);
    },
    async close() {
      settling.abort();
      over.abort();
      await Promise.all([...busy, ...watches]);
    },
  };
}

/** What the clinic watches of a patient. */
export function watchOf(patient: Patient) {
  return { patient: patient.atClinic, codes: [{ code }], purpose: Purpose.TREATMENT };
}

/** The first fault may be there already. */
const beginningMs = 60_000;

/** The token from which a watch brings everything; asked for before anything was sent. */
async function beginningOf(world: World, patient: Patient): Promise<string> {
  const records = createClient(RecordsService, world.clinic.transport);
  return untilAnswered(AbortSignal.timeout(beginningMs), async () => {
    for await (const { resumeToken } of records.watchSeries(watchOf(patient))) return resumeToken;
    throw new Error("a watch begins with its start");
  });
}

/** A watch that goes on where it was cut: the batch that was cut comes again. */
async function watch(world: World, patient: Patient, ledger: Ledger, signal: AbortSignal): Promise<void> {
  const { deliveries, beginning } = ledger.of(patient.name);
  const records = createClient(RecordsService, world.clinic.transport);
  let resumeToken = await beginning;
  while (!signal.aborted) {
    try {
      const request = { ...watchOf(patient), resumeToken };
      for await (const message of records.watchSeries(request, { signal })) {
        if (message.payload.case === "series") deliveries.push(blockOf(message.payload.value));
        resumeToken = message.resumeToken;
      }
    } catch (error) {
      if (!signal.aborted && !isPassing(error)) throw error;
    }
    await delay(200, undefined, { signal });
  }
}

/** Reads a page now and then, and keeps the entry that each release has to have. */
async function read(world: World, patient: Patient, ledger: Ledger, signal: AbortSignal): Promise<void> {
  const { releases } = ledger.of(patient.name);
  while (!signal.aborted) {
    const access = await readPage(world.clinic.transport, patient.atClinic, signal);
    if (access !== undefined) releases.push(access);
    await delay(readEveryMs, undefined, { signal });
  }
}

/** Undefined where nobody could say. Throws where it is refused. */
async function readPage(
  transport: Transport,
  patient: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const request = { patient, code: { code }, purpose: Purpose.TREATMENT, pageSize: 20 };
    const page = await createClient(RecordsService, transport).querySeries(request, {
      signal,
      timeoutMs: callMs,
    });
    return page.access;
  } catch (error) {
    if (isPassing(error)) return undefined;
    throw error;
  }
}

/** Gives a consent, uses it, takes it back, and looks whether that holds. */
async function visit(world: World, patient: Patient, ledger: Ledger, signal: AbortSignal): Promise<void> {
  const { releases } = ledger.of(patient.name);
  const consents = createClient(ConsentService, patient.person.transport);
  const options = { signal, timeoutMs: callMs };
  /** Undefined where it is refused or nobody could say. */
  const reading = async (): Promise<string | undefined> => {
    try {
      return await readPage(world.visitor.transport, patient.atVisitor, signal);
    } catch (error) {
      if (ConnectError.from(error).code === Code.PermissionDenied) return undefined;
      throw error;
    }
  };
  while (!signal.aborted) {
    const grant = { requestId: randomUUID(), consent: consentFor(world.visitor, Direction.READ) };
    const { consent } = await untilAnswered(signal, () => consents.createConsent(grant, options));
    const access = await reading();
    if (access !== undefined) releases.push(access);
    await untilAnswered(signal, () => consents.revokeConsent({ consent: consent!.id }, options));
    ledger.revocations += 1;
    const after = await reading();
    if (after !== undefined) ledger.violation(`${after} released data after its consent was revoked`);
    await delay(visitEveryMs, undefined, { signal });
  }
}
