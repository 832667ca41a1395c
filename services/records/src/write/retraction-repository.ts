import type { DamageReporter, Ids } from "@wellapi/runtime";
import { type Change, type OutboxEvent, type Store, type Stored, scanPages } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import { blockPlace, openOrReport, openUnlessDamaged } from "../blocks/damage.ts";
import type {
  BlockDocument,
  CompactedDocument,
  Head,
  ObservationBlockDocument,
  ReceiptDocument,
  TombstoneDocument,
} from "../blocks/documents.ts";
import { headAfterRetraction } from "../blocks/head.ts";
import { headChange } from "../blocks/head-repository.ts";
import { type PatientBox, withBox } from "../blocks/patient-box.ts";
import { joinRetracted, type RetractedSamples } from "../blocks/retracted-samples.ts";
import { compactedInserts } from "../compaction/compaction.ts";
import type { Source } from "../model/provenance.ts";
import { findReceiptOfBatch, loadReceipt, receiptChange } from "./receipt-repository.ts";
import {
  mayHold,
  type RetractedFrom,
  type Retraction,
  type RetractTarget,
  remainderOf,
  samplesOf,
  type TakenBack,
  takenBackOf,
} from "./retraction.ts";

/** A batch has at most 64 series or 1,000 observations. */
const BLOCKS_OF_A_BATCH = 1_000;
const COMPACTED_A_STEP = 16;

/** Changes that remove samples, how many, and which. */
export interface Removal {
  readonly changes: readonly Change[];
  readonly count: number;
  readonly samples: readonly RetractedSamples[];
}

/** The content of a retraction's commit. */
export interface RetractionWrites {
  readonly head: Stored<Head>;
  readonly receipt: Stored<ReceiptDocument>;
  readonly retraction: Retraction;
  /** Who retracts, and had contributed. */
  readonly organization: string;
  /** From original blocks, and from compacted ones. */
  readonly arrived: Removal;
  readonly compacted: Removal;
  /** The entry of the log. */
  readonly leaf: Change;
  readonly event: OutboxEvent;
}

export interface RetractionDeps {
  readonly store: Store;
  readonly vault: Vault;
  readonly damage: DamageReporter;
  readonly ids: Ids;
}

/** Reads and writes of a retraction. Throws StoreError, VaultError, DATA_DAMAGED. */
export interface RetractionRepository {
  receipt(
    partition: string,
    organization: string,
    target: RetractTarget,
  ): Promise<Stored<ReceiptDocument> | undefined>;
  /** MAC of the organization, as receipts name it. */
  owner(partition: string, organization: string): Promise<string>;
  /** Hides the batch's original blocks, from `sequence` on. Of a damaged block only the ends are known. */
  fromArrived(partition: string, batch: string, sequence: number): Promise<Removal>;
  /** Replaces compacted blocks by new ones without the batch's samples. */
  fromCompacted(partition: string, receipt: ReceiptDocument): Promise<Removal>;
  /** One commit, with the tombstone for watches. False where another commit came between. */
  commit(writes: RetractionWrites): Promise<boolean>;
}

export function createRetractionRepository(deps: RetractionDeps): RetractionRepository {
  const { store, vault } = deps;

  return {
    async receipt(partition, organization, target) {
      if ("batch" in target) {
        return target.batch === undefined ? undefined : findReceiptOfBatch(store, partition, target.batch);
      }
      const { requestId } = target;
      const id = await withBox(vault, partition, (box) => box.receiptId(organization, requestId));
      return loadReceipt(store, partition, id);
    },

    owner: (partition, organization) => withBox(vault, partition, (box) => box.ownerId(organization)),

    fromArrived: (partition, batch, sequence) => hideArrived(deps, partition, batch, sequence),

    async fromCompacted(partition, receipt) {
      const taken = takenBackOf(receipt);
      const removals: Removal[] = [];
      for await (const documents of compactedFrom(store, partition, taken)) {
        const some = await withBox(vault, partition, (box) =>
          documents.flatMap((stored) => removeFrom(deps, box, stored, taken) ?? []),
        );
        removals.push(...some);
      }
      return {
        changes: removals.flatMap(({ changes }) => changes),
        count: removals.reduce((sum, { count }) => sum + count, 0),
        samples: removals.flatMap(({ samples }) => samples),
      };
    },

    async commit({ head, receipt, retraction, organization, arrived, compacted, leaf, event }) {
      const { partition, batch } = receipt.document;
      const next = headAfterRetraction(head.document, compacted.count > 0);
      const place = { partition, batch, sequence: next.sequence };
      const samples = joinRetracted([...arrived.samples, ...compacted.samples], organization);
      const sealed = await withBox(vault, partition, (box) => box.sealRetracted(place, samples));
      const tombstone: TombstoneDocument = { ...place, sealed };
      const said = { time_ms: retraction.timeMs, items: retraction.items };
      const { committed } = await store.commit({
        partition,
        changes: [
          headChange(partition, head, next),
          ...arrived.changes,
          ...compacted.changes,
          receiptChange(receipt, { ...receipt.document, retraction: said }),
          { kind: "insert", collection: "tombstones", document: tombstone },
          leaf,
        ],
        events: [event],
      });
      return committed;
    },
  };
}

async function hideArrived(
  { store, vault, damage }: RetractionDeps,
  partition: string,
  batch: string,
  sequence: number,
): Promise<Removal> {
  const scan = { equals: [partition, batch], limit: BLOCKS_OF_A_BATCH };
  const [series, observations] = await Promise.all([
    store.scan<BlockDocument>("blocks", scan),
    store.scan<ObservationBlockDocument>("observation_blocks", scan),
  ]);
  const samples = await withBox(vault, partition, (box) => [
    ...series.documents.map(({ document }) => {
      const opened = openUnlessDamaged(damage, blockPlace(document), () => box.openBlock(document));
      if (opened === undefined) return samplesOf(document);
      return samplesOf(document, {
        times: opened.columns.times,
        from: fromOf(box, opened.provenance),
      });
    }),
    ...observations.documents.flatMap(({ document }) => {
      const place = blockPlace(document, "observation_blocks");
      const records = openUnlessDamaged(damage, place, () => box.openObservations(document));
      if (records === undefined) return samplesOf(document);
      const bySource = Map.groupBy(records, ({ provenance: { device, method } }) =>
        JSON.stringify([device, method]),
      );
      return [...bySource.values()].map((those) =>
        samplesOf(document, {
          times: those.map(({ time }) => time),
          from: fromOf(box, those[0]!.provenance),
        }),
      );
    }),
  ]);
  const all = [...series.documents, ...observations.documents];
  return {
    changes: [
      ...hiding("blocks", series.documents, sequence),
      ...hiding("observation_blocks", observations.documents, sequence),
    ],
    count: all.reduce((sum, { document }) => sum + document.count, 0),
    samples,
  };
}

function fromOf(
  box: PatientBox,
  { organization, device, method }: Pick<Source, "organization" | "device" | "method">,
): RetractedFrom {
  return { device: box.deviceId(organization, device) ?? "", method };
}

function hiding(
  collection: string,
  stored: readonly Stored<BlockDocument | ObservationBlockDocument>[],
  sequence: number,
): Change[] {
  return stored.map(({ document, revision }) => {
    return { kind: "replace", collection, document: { ...document, hidden: sequence }, ifRevision: revision };
  });
}

/** Compacted blocks that may hold samples of the batch, step by step. */
async function* compactedFrom(store: Store, partition: string, taken: TakenBack) {
  const scan = {
    index: "by_last_sequence",
    equals: [partition],
    range: { from: taken.first },
    limit: COMPACTED_A_STEP,
  };
  for await (const page of scanPages<CompactedDocument>(store, "blocks", scan)) {
    const documents = page.documents.filter(({ document }) => mayHold(document, taken));
    if (documents.length > 0) yield documents;
  }
}

/** Undefined if the block has none of the batch's samples. */
function removeFrom(
  { damage, ids }: RetractionDeps,
  box: PatientBox,
  { document, revision }: Stored<CompactedDocument>,
  taken: TakenBack,
): Removal | undefined {
  const block = openOrReport(damage, blockPlace(document), () => box.openCompacted(document));
  // A block is of one series, and so of one device and method.
  const from = fromOf(box, block[0]!.source);
  const remainder = remainderOf(block, document, taken.sequences, from);
  if (remainder === undefined) return undefined;
  const key = [document.partition, document.batch, document.item];
  const removal: Change = { kind: "delete", collection: "blocks", key, ifRevision: revision };
  return {
    changes: [removal, ...compactedInserts(box, document, remainder.left, ids)],
    count: remainder.fewer,
    samples: remainder.samples,
  };
}
