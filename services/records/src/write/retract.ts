import { timingSafeEqual } from "node:crypto";
import type { DamageReporter } from "@wellapi/runtime";
import type { Change, Page, Stored } from "@wellapi/store";
import { isWithoutKey } from "@wellapi/vault";
import type { CompactedBlock } from "../blocks/compacted-block.ts";
import { compactedInserts, without } from "../blocks/compaction.ts";
import { blockPlace, openOrReport, openUnlessDamaged } from "../blocks/damage.ts";
import type {
  BlockDocument,
  CompactedDocument,
  ObservationBlockDocument,
  ReceiptDocument,
  TombstoneDocument,
} from "../blocks/documents.ts";
import { headChange, loadHead } from "../blocks/head-repository.ts";
import { type PatientBox, withBox } from "../blocks/patient-box.ts";
import { joinRetracted, type RetractedSamples } from "../blocks/retracted-samples.ts";
import { RecordsError } from "../errors.ts";
import type { Intent } from "../gate/intent.ts";
import type { Subject } from "../gate/subject.ts";
import { batchCommitted } from "./event-convert.ts";
import { findReceiptOfBatch, loadReceipt } from "./receipt-repository.ts";
import type { WriteDeps } from "./write-deps.ts";

const MAX_ATTEMPTS = 16;
/** A batch has at most 64 series or 1,000 observations. */
const BLOCKS_OF_A_BATCH = 1_000;
const COMPACTED_A_STEP = 16;

/** Which batch: by its internal id, undefined for one that cannot be; or as its sender named it. */
export type RetractTarget = { readonly batch: string | undefined } | { readonly requestId: string };

/** What became of it; the same for whoever asks again. */
export interface Retraction {
  /** UTC milliseconds. */
  readonly timeMs: number;
  /** Samples and records that were hidden. */
  readonly items: number;
}

/**
 * Takes back batches of the organization's own. It needs no consent: a revoked consent must not keep what is
 * wrong from being taken back. A batch that is not the caller's is not found, like one that never was.
 */
export function createRetract(deps: WriteDeps & { readonly damage: DamageReporter }) {
  const { store, vault, gate, accessLog, relay, queue, hub, clock, ids, damage } = deps;

  async function find(
    partition: string,
    organization: string,
    target: RetractTarget,
  ): Promise<Stored<ReceiptDocument> | undefined> {
    if ("batch" in target) {
      return target.batch === undefined ? undefined : findReceiptOfBatch(store, partition, target.batch);
    }
    const { requestId } = target;
    const id = await withBox(vault, partition, (box) => box.receiptId(organization, requestId));
    return loadReceipt(store, partition, id);
  }

  /** One attempt; undefined where another commit came between. */
  async function attempt(
    intent: Intent,
    subject: Subject,
    organization: string,
    target: RetractTarget,
  ): Promise<Retraction | undefined> {
    const { partition } = subject;
    const head = await loadHead(store, partition);
    if (head === undefined || head.document.erased) throw new RecordsError("NOT_FOUND");
    const receipt = await find(partition, organization, target);
    if (receipt === undefined) throw new RecordsError("NOT_FOUND");
    const owner = await withBox(vault, partition, (box) => box.ownerId(organization));
    const { document } = receipt;
    const { batch } = document;
    const own = timingSafeEqual(Buffer.from(owner), Buffer.from(document.owner));
    if (!own || document.sequences.length === 0) throw new RecordsError("NOT_FOUND");
    if (document.retraction !== undefined) {
      await gate.record(intent, subject, {});
      const { time_ms: timeMs, items } = document.retraction;
      return { timeMs, items };
    }
    const sequence = head.document.sequence + 1;
    const hidden = await hiding(partition, batch, sequence);
    const compacted = await removing(partition, document);
    const samples = joinRetracted([...hidden.samples, ...compacted.samples]);
    const place = { partition, batch, sequence };
    const tombstone: TombstoneDocument = {
      ...place,
      sealed: await withBox(vault, partition, (box) => box.sealRetracted(place, samples)),
    };
    const retraction = { time_ms: clock.now(), items: hidden.count + compacted.count };
    const leaf = gate.leaf(intent, subject, { items: retraction.items });
    const result = await store.commit({
      partition,
      changes: [
        headChange(partition, head, {
          sequence,
          erased: false,
          ...(compacted.count > 0 ? { moves: (head.document.moves ?? 0) + 1 } : {}),
        }),
        ...hidden.changes,
        ...compacted.changes,
        {
          kind: "replace",
          collection: "receipts",
          document: { ...document, retraction },
          ifRevision: receipt.revision,
        },
        { kind: "insert", collection: "tombstones", document: tombstone },
        leaf.change,
      ],
      events: [batchCommitted(partition, sequence, batch, clock)],
    });
    if (!result.committed) return undefined;
    accessLog.notify();
    relay.notify();
    hub.notify(partition);
    return { timeMs: retraction.time_ms, items: retraction.items };
  }

  /** The batch's blocks, hidden from `sequence` on, and what they hold. */
  async function hiding(partition: string, batch: string, sequence: number) {
    const scan = { equals: [partition, batch], limit: BLOCKS_OF_A_BATCH };
    const [series, observations] = await Promise.all([
      store.scan<BlockDocument>("blocks", scan),
      store.scan<ObservationBlockDocument>("observation_blocks", scan),
    ]);
    const hide = (collection: string, stored: readonly Stored<BlockDocument | ObservationBlockDocument>[]) =>
      stored.map(
        ({ document, revision }): Change => ({
          kind: "replace",
          collection,
          document: { ...document, hidden: sequence },
          ifRevision: revision,
        }),
      );
    const count = [...series.documents, ...observations.documents].reduce(
      (sum, { document }) => sum + document.count,
      0,
    );
    const samples = await withBox(vault, partition, (box) => [
      ...series.documents.map(({ document }) => samplesOf(document, seriesTimes(box, document))),
      ...observations.documents.map(({ document }) => samplesOf(document, observationTimes(box, document))),
    ]);
    const changes = [
      ...hide("blocks", series.documents),
      ...hide("observation_blocks", observations.documents),
    ];
    return { changes, count, samples };
  }

  function seriesTimes(box: PatientBox, document: BlockDocument): ArrayLike<number> | undefined {
    return openUnlessDamaged(damage, blockPlace(document), () => box.openBlock(document))?.columns.times;
  }

  function observationTimes(box: PatientBox, document: ObservationBlockDocument) {
    const place = blockPlace(document, "observation_blocks");
    const records = openUnlessDamaged(damage, place, () => box.openObservations(document));
    return records?.map(({ time }) => time);
  }

  /** Compacted blocks without the batch's samples: what those had won is won by others again. */
  async function removing(partition: string, { sequences, codes }: ReceiptDocument) {
    const gone = new Set(sequences);
    const first = Math.min(...sequences);
    const last = Math.max(...sequences);
    const changes: Change[] = [];
    const samples: RetractedSamples[] = [];
    let count = 0;
    let cursor: string | undefined;
    do {
      const page: Page<CompactedDocument> = await store.scan<CompactedDocument>("blocks", {
        index: "by_last_sequence",
        equals: [partition],
        range: { from: first },
        limit: COMPACTED_A_STEP,
        ...(cursor === undefined ? {} : { cursor }),
      });
      const touched = page.documents.filter(
        ({ document }) => document.first_sequence <= last && codes.includes(document.code),
      );
      if (touched.length > 0) {
        const removed = await withBox(vault, partition, (box) =>
          touched.flatMap(({ document, revision }) => {
            const block = openOrReport(damage, blockPlace(document), () => box.openCompacted(document));
            const left = without(block, gone);
            const fewer = document.count - left.reduce((sum, { origins }) => sum + origins.length, 0);
            const key = [partition, document.batch, document.item];
            const removal: Change = { kind: "delete", collection: "blocks", key, ifRevision: revision };
            return fewer === 0
              ? []
              : [
                  {
                    fewer,
                    changes: [removal, ...compactedInserts(box, document, left, ids)],
                    samples: samplesIn(block, gone, document.code),
                  },
                ];
          }),
        );
        changes.push(...removed.flatMap((one) => one.changes));
        samples.push(...removed.flatMap((one) => one.samples));
        count += removed.reduce((sum, { fewer }) => sum + fewer, 0);
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    return { changes, count, samples };
  }

  return {
    /** Throws RecordsError. */
    async retract(intent: Intent, target: RetractTarget): Promise<Retraction> {
      const { organization } = intent.caller.principal;
      if (organization === undefined) throw new RecordsError("CALLER_NOT_PERMITTED");
      const subject = gate.subject(intent.caller, intent.patient);
      return queue.run(subject.partition, async () => {
        try {
          for (let i = 0; i < MAX_ATTEMPTS; i++) {
            const retraction = await attempt(intent, subject, organization, target);
            if (retraction !== undefined) return retraction;
          }
          throw new RecordsError("STORE_UNAVAILABLE");
        } catch (error) {
          const unknown = isWithoutKey(error) ? new RecordsError("NOT_FOUND", { cause: error }) : error;
          throw await gate.refusal(intent, subject, unknown);
        }
      });
    },
  };
}

/** Of a damaged block the ends are known. */
function samplesOf(
  { sequence, code, from_ms, to_ms }: BlockDocument | ObservationBlockDocument,
  times: ArrayLike<number> = [from_ms, to_ms - 1],
): RetractedSamples {
  return { sequence, code, times: Float64Array.from(times) };
}

/** The samples of a compacted block that came with these commits. */
function samplesIn(block: CompactedBlock, sequences: ReadonlySet<number>, code: string): RetractedSamples[] {
  const times = new Map<number, number[]>([...sequences].map((sequence) => [sequence, []]));
  for (const { columns, origins } of block) {
    for (const [i, { sequence }] of origins.entries()) times.get(sequence)?.push(columns.times[i]!);
  }
  return [...times].map(([sequence, those]) => ({ sequence, code, times: Float64Array.from(those) }));
}
