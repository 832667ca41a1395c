import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { verifyLogGrowth, verifyLoggedAccess } from "@wellapi/client";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Block, blockOf, code, numberOf, samplesPerBatch } from "./batches.ts";
import { callMs, impatient, isPassing, untilAnswered } from "./clients.ts";
import { type Ack, type Entry, judgeDelivered, judgeEntries, judgeStored } from "./judge.ts";
import type { Ledger } from "./ledger.ts";
import { watchOf } from "./load.ts";
import type { Patient, World } from "./world.ts";

/** Compares the answers that clients got with what they find. */
export interface Checks {
  /**
   * Of everything acked so far: stored once and whole, delivered in order, the log grown from what it was, and the
   * newest releases in it. Resolves with each problem a line.
   */
  quick(): Promise<string[]>;
  /** With all entries of the log, and a read of every sample. Only once nothing is on its way. */
  whole(): Promise<string[]>;
  /** What was looked at, for the report. */
  readonly counts: { acked: number; samples: number; entries: number; proofs: number };
}

const catchUpMs = 10_000;
const lookMs = 100;
/** A look at a mesh that has recovered takes no longer. */
const lookingMs = 30_000;
const sampledProofs = 2;

export async function openChecks(world: World, ledger: Ledger): Promise<Checks> {
  const { mesh, patients, clinic } = world;
  const audits = new Map(
    patients.map(({ name, person }) => [name, createClient(AuditService, impatient(person.transport))]),
  );
  const anyone = audits.get(patients[0]!.name)!;
  const checkpointNow = async () =>
    (await untilAnswered(AbortSignal.timeout(lookingMs), () => anyone.getCheckpoint({}))).checkpoint;
  const stored = new Map<string, Block[]>(patients.map(({ name }) => [name, []]));
  const reached = new Map<string, string>();
  const counts = { acked: 0, samples: 0, entries: 0, proofs: 0 };
  let checkpoint = await checkpointNow();
  let told = 0;

  /** What lies in the store now, commit by commit: a second copy of a batch would show, as reading series hides it. */
  async function replay(patient: Patient, acked: readonly Ack[]): Promise<void> {
    const { name } = patient;
    const blocks = stored.get(name)!;
    const records = createClient(RecordsService, clinic.transport);
    const until = performance.now() + lookingMs;
    while (missing(acked, blocks).length > 0 && performance.now() < until) {
      const resumeToken = reached.get(name) ?? (await ledger.of(name).beginning);
      const request = { ...watchOf(patient), resumeToken };
      try {
        for await (const message of records.watchSeries(request, { timeoutMs: catchUpMs })) {
          reached.set(name, message.resumeToken);
          // Each batch is one message, so none is repeated.
          if (message.payload.case === "series") blocks.push(blockOf(message.payload.value));
          if (missing(acked, blocks).length === 0) break;
        }
      } catch (error) {
        if (!isPassing(error)) throw error;
      }
    }
  }

  async function quickOf(patient: Patient): Promise<string[]> {
    const { acks, sent, deliveries } = ledger.of(patient.name);
    const acked = [...acks.values()];
    await replay(patient, acked);
    const blocks = stored.get(patient.name)!;
    const delivered = () => missing(acked, deliveries).length === 0;
    for (let waited = 0; waited < catchUpMs && !delivered(); waited += 50) await delay(50);
    return [...judgeStored(acked, sent, blocks), ...judgeDelivered(acked, deliveries, blocks)].map(
      (problem) => `${patient.name}: ${problem}`,
    );
  }

  async function grown(): Promise<string[]> {
    const before = checkpoint;
    try {
      await untilAnswered(AbortSignal.timeout(lookingMs), () =>
        verifyLogGrowth(anyone, before, mesh.verifierKey),
      );
      checkpoint = await checkpointNow();
      return [];
    } catch (error) {
      return [`the log does not verify: ${error}`];
    }
  }

  /** What was released under an access, and has to have its entry. */
  async function proved({ name }: Patient, ids: readonly string[]): Promise<string[]> {
    const problems: string[] = [];
    const until = performance.now() + catchUpMs;
    for (const id of ids) {
      try {
        await arriving(until, () => verifyLoggedAccess(audits.get(name)!, id, mesh.verifierKey));
        counts.proofs += 1;
      } catch (error) {
        problems.push(`${name}: ${id} released data, and its entry is not proved: ${error}`);
      }
    }
    return problems;
  }

  /** An entry is on its way to the log for a moment. */
  async function arriving(until: number, look: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await look();
        return;
      } catch (error) {
        const away = isPassing(error) || ConnectError.from(error).code === Code.NotFound;
        if (!away || performance.now() > until) throw error;
        await delay(lookMs);
      }
    }
  }

  async function entriesOf({ name }: Patient): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (let pageToken = "", first = true; first || pageToken !== ""; first = false) {
      const page = await untilAnswered(AbortSignal.timeout(lookingMs), () =>
        audits.get(name)!.listAccesses({ pageSize: 500, pageToken }, { timeoutMs: callMs }),
      );
      for (const { access, index } of page.accesses) {
        const number = numberOf(access!.requestId) ?? 0;
        entries.push({
          id: access!.id,
          index: Number(index),
          number,
          items: number ? access!.items : 0,
        });
      }
      pageToken = page.nextPageToken;
    }
    return entries;
  }

  async function wholeOf(patient: Patient, samples: number): Promise<string[]> {
    const { acks, releases } = ledger.of(patient.name);
    const acked: Ack[] = [...acks.values()];
    const entries = await entriesOf(patient);
    const ids = new Set(entries.map(({ id }) => id));
    const unlogged = releases.filter((id) => !ids.has(id));
    counts.acked += acked.length;
    counts.samples += samples;
    counts.entries += entries.length;
    return [
      ...(samples === acked.length * samplesPerBatch
        ? []
        : [`${samples} samples are read, ${acked.length * samplesPerBatch} were acked`]),
      ...judgeEntries(acked, samplesPerBatch, entries),
      ...unlogged.map((id) => `${id} released data and has no entry`),
    ].map((problem) => `${patient.name}: ${problem}`);
  }

  /** Number of samples; each has the value that its place in time says. */
  async function readAll({ atClinic }: Patient): Promise<number> {
    const records = createClient(RecordsService, clinic.transport);
    const request = { patient: atClinic, code: { code }, purpose: Purpose.TREATMENT };
    return untilAnswered(AbortSignal.timeout(lookingMs), async () => {
      let samples = 0;
      for await (const { payload } of records.readSeries(request, { timeoutMs: 20_000 })) {
        if (payload.case === "end") samples = Number(payload.value.samples);
      }
      return samples;
    });
  }

  return {
    counts,
    async quick() {
      const problems = (await Promise.all(patients.map(quickOf))).flat();
      const newest = patients.map((patient) =>
        proved(patient, ledger.of(patient.name).releases.slice(-sampledProofs)),
      );
      const violations = ledger.violations.slice(told);
      told += violations.length;
      return [...violations, ...problems, ...(await grown()), ...(await Promise.all(newest)).flat()];
    },
    async whole() {
      // Read once: each read leaves an entry, which is on its way for a moment.
      const samples = await Promise.all(patients.map(readAll));
      const until = performance.now() + catchUpMs;
      for (;;) {
        Object.assign(counts, { acked: 0, samples: 0, entries: 0 });
        const problems = (
          await Promise.all(patients.map((patient, i) => wholeOf(patient, samples[i]!)))
        ).flat();
        if (problems.length === 0 || performance.now() > until) return problems;
        await delay(lookMs);
      }
    },
  };
}

/** Of what was acked, what is not among the blocks. */
function missing(acked: readonly Ack[], blocks: readonly Block[]): Ack[] {
  const found = new Set(blocks.map(({ number }) => number));
  return acked.filter(({ number }) => !found.has(number));
}
