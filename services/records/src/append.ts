import { createHash, timingSafeEqual } from "node:crypto";
import type { AccessLog } from "@wellapi/access-log";
import type { Relay } from "@wellapi/events";
import type { Caller } from "@wellapi/rpc";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Change, Store, Stored } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { Batch, BatchOutcome } from "./batch.ts";
import { type Accepted, type BatchWrites, observationWrites, seriesWrites } from "./batch-writes.ts";
import type { CommitHub } from "./commit-hub.ts";
import type { Contributions } from "./consent-client.ts";
import type { ReceiptDocument, SeriesDocument } from "./documents.ts";
import { RecordsError } from "./errors.ts";
import { batchCommitted } from "./event-convert.ts";
import type { Gate } from "./gate.ts";
import { headChange, loadHead } from "./head-repository.ts";
import type { Intent } from "./intent.ts";
import { coversTimes, unite } from "./interval.ts";
import { type Judgement, judge, lacksConsent } from "./judgement.ts";
import { ensureKey, type PatientBox, withBox } from "./patient-box.ts";
import type { PatientQueue } from "./patient-queue.ts";
import { acceptedBitmap, earlierBatch, loadReceipt, receiptChange } from "./receipt-repository.ts";
import type { Subject } from "./subject.ts";

export interface AppendDeps {
  readonly store: Store;
  readonly vault: Vault;
  readonly gate: Gate;
  readonly accessLog: AccessLog;
  readonly relay: Pick<Relay, "notify">;
  readonly queue: PatientQueue;
  readonly hub: CommitHub;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Commits of one patient are in a queue, so only other replicas refuse a guard. */
const MAX_ATTEMPTS = 16;

/** Stores batches: one commit each, of the data, its receipt, its log entry and its event. */
export function createAppend(deps: AppendDeps) {
  const { store, vault, gate, accessLog, relay, queue, hub, clock, ids } = deps;

  /** One attempt; undefined where another commit, or a change of consent, came between. */
  async function attempt(
    intent: Intent,
    subject: Subject,
    organization: string,
    batch: Batch,
  ): Promise<BatchOutcome | undefined> {
    const { partition } = subject;
    const decide = () => gate.contributions(subject, organization, intent.codes);
    const contributions = await decide();
    if (lacksConsent(contributions.values()))
      throw new RecordsError("CONSENT_REQUIRED", { logged: "CONSENT_NONE" });

    await ensureKey(vault, partition);
    const names = await withBox(vault, partition, (box) => ({
      receipt: box.receiptId(organization, batch.requestId),
      owner: box.ownerId(organization),
      digest: box.digest(batchDigest(batch)),
    }));
    const [head, earlier] = await Promise.all([
      loadHead(store, partition),
      loadReceipt(store, partition, names.receipt),
    ]);
    if (head?.document.erased) throw new RecordsError("CONSENT_REQUIRED");
    if (earlier && !timingSafeEqual(earlier.document.digest, names.digest)) {
      throw new RecordsError("REQUEST_ID_REUSED");
    }

    const judgements = judge(batch.items, contributions, earlier && earlierBatch(earlier.document));
    const newly = [...judgements.keys()].filter((index) => judgements[index]!.status === "accepted");
    if (newly.length === 0 && earlier !== undefined) {
      await gate.record(intent, subject, { items: 0 });
      return outcomeOf(batch, judgements, earlier.document);
    }

    const sequence = (head?.document.sequence ?? 0) + (newly.length > 0 ? 1 : 0);
    const id = earlier?.document.batch ?? ids.next("bat");
    const writes = await withBox(vault, partition, (box) =>
      writesOf(box, batch, newly, contributions, {
        partition,
        batch: id,
        sequence,
        organization,
        application: intent.caller.principal.id,
        received: clock.now(),
      }),
    );
    const receipt = nextReceipt({ partition, ...names, batch: id }, earlier, batch, newly, sequence, writes);
    const leaf = gate.leaf(intent, subject, {
      items: writes.count,
      consents: newly.map((index) => consentOf(batch, index, contributions)),
    });
    const changes: Change[] = [
      headChange(partition, head, { sequence, erased: false }),
      ...(await newSeries(writes.series)),
      ...writes.changes,
      receiptChange(earlier, receipt),
      leaf.change,
    ];
    // The decision that counts is the one right before the commit.
    if (!sameContributions(contributions, await decide())) return undefined;
    const result = await store.commit({
      partition,
      changes,
      events: newly.length > 0 ? [batchCommitted(partition, sequence, id, clock)] : [],
    });
    if (!result.committed) return undefined;
    accessLog.notify();
    relay.notify();
    hub.notify(partition);
    return outcomeOf(batch, judgements, receipt);
  }

  async function newSeries(documents: readonly SeriesDocument[]): Promise<Change[]> {
    const stored = await Promise.all(
      documents.map(({ partition, series }) => store.get("series", [partition, series])),
    );
    return documents
      .filter((_, i) => stored[i] === undefined)
      .map((document) => ({ kind: "insert", collection: "series", document }));
  }

  return {
    /** Resolves once what was accepted is on disk and can be read. Throws RecordsError. */
    async append(caller: Caller, method: string, batch: Batch): Promise<BatchOutcome> {
      const { organization } = caller.principal;
      if (organization === undefined) throw new RecordsError("CALLER_NOT_PERMITTED");
      const subject = gate.subject(caller, batch.patient);
      const intent: Intent = {
        caller,
        method,
        patient: batch.patient,
        direction: "contribute",
        codes: [...new Set(batch.items.map(({ code }) => code))],
        requestId: batch.requestId,
      };
      return queue.run(subject.partition, async () => {
        try {
          for (let i = 0; i < MAX_ATTEMPTS; i++) {
            const outcome = await attempt(intent, subject, organization, batch);
            if (outcome !== undefined) return outcome;
          }
          throw new RecordsError("STORE_UNAVAILABLE");
        } catch (error) {
          throw await gate.refusal(intent, subject, error);
        }
      });
    },
  };
}

/** The kind is part of what was sent: a series and an observation batch never pass for one another. */
function batchDigest(batch: Batch): Uint8Array {
  return createHash("sha256").update(batch.kind).update("\0").update(batch.bytes).digest();
}

function writesOf(
  box: PatientBox,
  batch: Batch,
  newly: readonly number[],
  contributions: Contributions,
  context: Parameters<typeof seriesWrites>[1],
): BatchWrites {
  const accept = <I>(items: readonly I[]): Accepted<I>[] =>
    newly.map((index) => ({
      item: items[index]!,
      index,
      consent: consentOf(batch, index, contributions),
    }));
  return batch.kind === "series"
    ? seriesWrites(box, context, accept(batch.items))
    : observationWrites(box, context, accept(batch.items));
}

/** The consent that permits an accepted item; where several do, the first that permits all of it. */
function consentOf(batch: Batch, index: number, contributions: Contributions) {
  const item = batch.items[index]!;
  const permits = contributions.get(item.code)?.permits ?? [];
  const permit = permits.find((candidate) => coversTimes(unite([candidate]), item.times)) ?? permits[0]!;
  return { consent: permit.consent, version: permit.version };
}

function sameContributions(a: Contributions, b: Contributions): boolean {
  return JSON.stringify([...a]) === JSON.stringify([...b]);
}

function nextReceipt(
  names: Pick<ReceiptDocument, "partition" | "receipt" | "owner" | "digest" | "batch">,
  earlier: Stored<ReceiptDocument> | undefined,
  batch: Batch,
  newly: readonly number[],
  sequence: number,
  writes: BatchWrites,
): ReceiptDocument {
  const before = earlier?.document;
  const accepted = [...(before === undefined ? [] : earlierBatch(before).accepted), ...newly];
  return {
    ...names,
    accepted: acceptedBitmap(batch.items.length, accepted),
    sequences: [...(before?.sequences ?? []), ...(newly.length > 0 ? [sequence] : [])],
    codes: [...new Set([...(before?.codes ?? []), ...writes.codes])],
    retracted: before?.retracted ?? 0,
  };
}

function outcomeOf(batch: Batch, judgements: readonly Judgement[], receipt: ReceiptDocument): BatchOutcome {
  const sequence = receipt.sequences.at(-1) ?? 0;
  return {
    requestId: batch.requestId,
    batch: sequence === 0 ? undefined : receipt.batch,
    judgements,
    sequence,
  };
}
