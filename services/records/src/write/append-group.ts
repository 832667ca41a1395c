import { timingSafeEqual } from "node:crypto";
import type { Change, OutboxEvent, Stored } from "@wellapi/store";
import type { Head, ReceiptDocument, SeriesDocument } from "../blocks/documents.ts";
import { headChange, hourMark, loadHead } from "../blocks/head-repository.ts";
import { ensureKey, type PatientBox, withBox } from "../blocks/patient-box.ts";
import { RecordsError } from "../errors.ts";
import { type Contributions, lacksConsent, sameContributions } from "../gate/contribution.ts";
import type { Intent } from "../gate/intent.ts";
import type { Subject } from "../gate/subject.ts";
import { coversTimes, unite } from "../model/interval.ts";
import { type Batch, type BatchOutcome, goodItems } from "./batch.ts";
import { type Accepted, type BatchWrites, observationWrites, seriesWrites } from "./batch-writes.ts";
import { batchCommitted } from "./event-convert.ts";
import { type Judgement, judge } from "./judgement.ts";
import { createKnownHeads, createKnownSeries } from "./known-documents.ts";
import { acceptedBitmap, earlierBatch, loadReceipt, receiptChange } from "./receipt-repository.ts";
import type { WriteDeps } from "./write-deps.ts";

/** A batch that waits for its answer. */
export interface Pending {
  readonly intent: Intent;
  readonly subject: Subject;
  readonly organization: string;
  readonly batch: Batch;
  /** Set by `answer` and `refuse`, each of which is called once. */
  answered: boolean;
  answer(outcome: BatchOutcome): void;
  refuse(error: unknown): Promise<void>;
}

/** What is known of a batch before it is judged. */
interface Prepared {
  readonly pending: Pending;
  readonly contributions: Contributions;
  readonly names: Pick<ReceiptDocument, "receipt" | "owner" | "digest">;
}

/** What a batch adds to the commit, and its answer once that is durable. */
interface Addition {
  readonly prepared: Prepared;
  readonly series: readonly SeriesDocument[];
  readonly changes: readonly Change[];
  readonly outcome: BatchOutcome;
}

/**
 * One attempt to commit a group of batches of one patient, no two of the same name. It answers those that are
 * decided; the others stay unanswered and are tried again, because another commit or a change of consent came
 * between. Throws what concerns all that are unanswered.
 *
 * The first attempt is made on trust: it takes the head as this process knows it, and no batch for one that came
 * before. Where that is wrong, the commit is refused by the head's guard or by the receipt that is there already, and
 * the next attempt reads. So the store is asked nothing for a patient of late.
 */
export function createGroupCommit(deps: WriteDeps) {
  const { store, vault, gate, accessLog, relay, hub, clock, ids } = deps;
  const storedSeries = createKnownSeries();
  const heads = createKnownHeads();

  /** About codes that decide something: a batch of wrong items may name a thousand that exist nowhere. */
  function decide({ subject, organization, batch }: Pending): Promise<Contributions> {
    const codes = goodItems(batch).map(({ code }) => code);
    // Where no item is good, no code tells whether there is a consent at all.
    return gate.contributions(subject, organization, codes.length > 0 ? codes : [""]);
  }

  /** Those that may contribute something; the others are refused. */
  async function permitted(group: readonly Pending[]) {
    const decided = await Promise.all(
      group.map(async (pending) => ({ pending, contributions: await decide(pending) })),
    );
    const lacking = decided.filter(({ contributions }) => lacksConsent(contributions.values()));
    await Promise.all(
      lacking.map(({ pending }) =>
        pending.refuse(new RecordsError("CONSENT_REQUIRED", { logged: "CONSENT_NONE" })),
      ),
    );
    return decided.filter(({ pending }) => !pending.answered);
  }

  /** Judges a batch; undefined where nothing of it is to be written and it was answered. */
  async function add(
    prepared: Prepared,
    earlier: Stored<ReceiptDocument> | undefined,
    before: number,
  ): Promise<Addition | undefined> {
    const { pending, contributions, names } = prepared;
    const { intent, subject, organization, batch } = pending;
    const { partition } = subject;
    if (earlier && !timingSafeEqual(earlier.document.digest, names.digest)) {
      await pending.refuse(new RecordsError("REQUEST_ID_REUSED"));
      return undefined;
    }
    const judgements = judge(batch.items, contributions, earlier && earlierBatch(earlier.document));
    const newly = [...judgements.keys()].filter((index) => judgements[index]!.status === "accepted");
    if (newly.length === 0 && earlier !== undefined) {
      await gate.record(intent, subject, { items: 0 });
      pending.answer(outcomeOf(batch, judgements, earlier.document));
      return undefined;
    }
    const sequence = before + (newly.length > 0 ? 1 : 0);
    const id = earlier?.document.batch ?? ids.next("bat");
    const writes = await withBox(vault, partition, (box) =>
      writesOf(box, batch, newly, contributions, {
        partition,
        batch: id,
        sequence,
        organization,
        application: intent.caller.principal.id,
        received: clock.now(),
        isStored: (series) => storedSeries.has(partition, series),
      }),
    );
    const receipt = nextReceipt({ partition, ...names, batch: id }, earlier, batch, newly, sequence, writes);
    const leaf = gate.leaf(intent, subject, {
      items: writes.count,
      consents: newly.map((index) => consentOf(batch, index, contributions)),
    });
    return {
      prepared,
      series: writes.series,
      changes: [...writes.changes, receiptChange(earlier, receipt), leaf.change],
      outcome: outcomeOf(batch, judgements, receipt),
    };
  }

  async function newSeries(documents: readonly SeriesDocument[]) {
    const distinct = [...new Map(documents.map((document) => [document.series, document])).values()];
    const stored = await Promise.all(
      distinct.map(({ partition, series }) => store.get<SeriesDocument>("series", [partition, series])),
    );
    for (const { document } of stored.filter((one) => one !== undefined)) {
      storedSeries.add(document.partition, document.series);
    }
    return distinct
      .filter((_, i) => stored[i] === undefined)
      .map((document) => ({ kind: "insert" as const, collection: "series", document }));
  }

  /** The head, and the receipts that batches of these names left before. */
  async function before(partition: string, prepared: readonly Prepared[], onTrust: boolean) {
    if (onTrust) return { head: heads.get(partition) ?? (await loadHead(store, partition)), receipts: [] };
    heads.forget(partition);
    const [head, receipts] = await Promise.all([
      loadHead(store, partition),
      Promise.all(prepared.map(({ names }) => loadReceipt(store, partition, names.receipt))),
    ]);
    return { head, receipts };
  }

  /** Also remembers the head that it writes. */
  async function commit(
    head: Stored<Head> | undefined,
    next: Head,
    changes: readonly Change[],
    events: readonly OutboxEvent[],
  ): Promise<boolean> {
    const { partition } = next;
    // Whatever goes wrong from here on, whether it was replaced is not known.
    heads.forget(partition);
    const replaced = headChange(partition, head, next);
    const { committed } = await store.commit({ partition, changes: [replaced, ...changes], events });
    if (!committed) return false;
    heads.set(partition, { document: { ...head?.document, ...next }, revision: (head?.revision ?? 0) + 1 });
    return true;
  }

  return async (partition: string, group: readonly Pending[], onTrust: boolean): Promise<void> => {
    const decided = await permitted(group);
    if (decided.length === 0) return;
    await ensureKey(vault, partition);
    const prepared = await withBox(vault, partition, (box) =>
      decided.map(({ pending, contributions }): Prepared => {
        const { organization, batch } = pending;
        const names = {
          receipt: box.receiptId(organization, batch.requestId),
          owner: box.ownerId(organization),
          digest: box.digest(batch.digest),
        };
        return { pending, contributions, names };
      }),
    );
    const { head, receipts } = await before(partition, prepared, onTrust);
    if (head?.document.erased) throw new RecordsError("CONSENT_REQUIRED");
    const reached = head?.document.sequence ?? 0;
    let sequence = reached;
    const additions: Addition[] = [];
    for (const [i, one] of prepared.entries()) {
      const addition = await add(one, receipts[i], sequence);
      if (addition === undefined) continue;
      sequence = Math.max(sequence, addition.outcome.sequence);
      additions.push(addition);
    }
    if (additions.length === 0) return;
    const series = await newSeries(additions.flatMap((addition) => addition.series));
    // The decision that counts is the one right before the commit.
    for (const { prepared: one } of additions) {
      if (!sameContributions(one.contributions, await decide(one.pending))) return;
    }
    const latest = additions.find(({ outcome }) => outcome.sequence === sequence)?.outcome.batch;
    const changes = [...series, ...additions.flatMap((addition) => addition.changes)];
    const next = {
      partition,
      sequence,
      erased: false,
      ...hourMark(head?.document, clock.now()),
      ...(stores(additions, "observation_blocks") ? { observed_to: sequence } : {}),
      ...(stores(additions, "blocks")
        ? { loose_since_ms: head?.document.loose_since_ms ?? clock.now() }
        : {}),
    };
    // One event says how far the patient's sequence has come.
    const events = sequence > reached && latest ? [batchCommitted(partition, sequence, latest, clock)] : [];
    if (!(await commit(head, next, changes, events))) return;
    for (const { document } of series) storedSeries.add(partition, document.series);
    accessLog.notify();
    relay.notify();
    hub.notify(partition);
    for (const { prepared: one, outcome } of additions) one.pending.answer(outcome);
  };
}

function stores(additions: readonly Addition[], blocks: "blocks" | "observation_blocks"): boolean {
  return additions.some(({ changes }) =>
    changes.some(({ kind, collection }) => kind === "insert" && collection === blocks),
  );
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
  const permit =
    permits.length === 1
      ? permits[0]!
      : (permits.find((candidate) => coversTimes(unite([candidate]), item.times)) ?? permits[0]!);
  return { consent: permit.consent, version: permit.version };
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
    ...(before?.retraction === undefined ? {} : { retraction: before.retraction }),
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
