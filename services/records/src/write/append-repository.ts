import type { Change, OutboxEvent, Store, Stored } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { Head, ReceiptDocument, SeriesDocument, VendorAccountDocument } from "../blocks/documents.ts";
import { headChange, loadHead } from "../blocks/head-repository.ts";
import { ensureKey, withBox } from "../blocks/patient-box.ts";
import type { Batch } from "./batch.ts";
import {
  type Accepted,
  type BatchWrites,
  observationWrites,
  seriesWrites,
  type WriteContext,
} from "./batch-writes.ts";
import { createKnownHeads, createKnownSeries } from "./known-documents.ts";
import type { ReceiptNames } from "./receipt.ts";
import { loadReceipt } from "./receipt-repository.ts";
import type { VendorAccount, VendorAccountNames } from "./vendor-account.ts";

/** The stored state of a patient before a group of batches. */
export interface StoredBefore {
  readonly head: Stored<Head> | undefined;
  /** By position of the batch; undefined where no receipt has its name, or none was read. */
  readonly receipts: readonly (Stored<ReceiptDocument> | undefined)[];
}

/** An accepted item by its position, with the consent that permits it. */
export type AcceptedAt = Omit<Accepted<unknown>, "item">;

/** The content of one commit of a group of batches. */
export interface GroupWrites {
  readonly before: Stored<Head> | undefined;
  readonly head: Head;
  /** The series that are not stored yet. */
  readonly series: readonly SeriesDocument[];
  readonly changes: readonly Change[];
  readonly events: readonly OutboxEvent[];
}

/** Reads and writes of appending. Throws StoreError and VaultError. */
export interface AppendRepository {
  /** Names the batches under the patient's key, in their order. Makes the key unless there is one. */
  names(
    partition: string,
    sent: readonly { readonly organization: string; readonly batch: Batch }[],
  ): Promise<ReceiptNames[]>;
  /**
   * The head, and the receipts with these names. With `onTrust`, the head is the one that this process knows, and no
   * receipt is read: where that is wrong, the guard of the head or the existing receipt refuses `commit`.
   */
  before(partition: string, names: readonly ReceiptNames[], onTrust: boolean): Promise<StoredBefore>;
  /** Encodes and seals accepted items. Leaves out series that are known to be stored. */
  seal(
    batch: Batch,
    accepted: readonly AcceptedAt[],
    context: Omit<WriteContext, "isStored">,
  ): Promise<BatchWrites>;
  /** The account's names, and what is stored for its vendor. */
  vendorAccount(
    partition: string,
    organization: string,
    account: VendorAccount,
  ): Promise<{
    readonly names: VendorAccountNames;
    readonly stored: Stored<VendorAccountDocument> | undefined;
  }>;
  /** Of these series, the ones that are not stored, each once. */
  unstored(documents: readonly SeriesDocument[]): Promise<SeriesDocument[]>;
  /** One commit. False where another commit came between: then nothing is written. */
  commit(writes: GroupWrites): Promise<boolean>;
}

/** Caches heads and series, so that a patient who was written recently costs no reads. */
export function createAppendRepository(store: Store, vault: Vault): AppendRepository {
  const storedSeries = createKnownSeries();
  const heads = createKnownHeads();

  return {
    async names(partition, sent) {
      await ensureKey(vault, partition);
      return withBox(vault, partition, (box) =>
        sent.map(({ organization, batch }) => ({
          receipt: box.receiptId(organization, batch.requestId),
          owner: box.ownerId(organization),
          digest: box.digest(batch.digest),
        })),
      );
    },

    async before(partition, names, onTrust) {
      if (onTrust) return { head: heads.get(partition) ?? (await loadHead(store, partition)), receipts: [] };
      heads.forget(partition);
      const [head, receipts] = await Promise.all([
        loadHead(store, partition),
        Promise.all(names.map(({ receipt }) => loadReceipt(store, partition, receipt))),
      ]);
      return { head, receipts };
    },

    seal(batch, accepted, context) {
      const { partition } = context;
      const known = { ...context, isStored: (series: string) => storedSeries.has(partition, series) };
      const itemsOf = <I>(items: readonly I[]): Accepted<I>[] =>
        accepted.map(({ index, consent }) => ({ item: items[index]!, index, consent }));
      return withBox(vault, partition, (box) =>
        batch.kind === "series"
          ? seriesWrites(box, known, itemsOf(batch.items))
          : observationWrites(box, known, itemsOf(batch.items)),
      );
    },

    async vendorAccount(partition, organization, { vendor, user }) {
      const names = await withBox(vault, partition, (box) => ({
        account: box.vendorAccountId(organization, vendor),
        user: box.vendorAccountId(organization, vendor, user),
      }));
      const key = [partition, names.account];
      return { names, stored: await store.get<VendorAccountDocument>("vendor_accounts", key) };
    },

    async unstored(documents) {
      const distinct = [...new Map(documents.map((document) => [document.series, document])).values()];
      const stored = await Promise.all(
        distinct.map(({ partition, series }) => store.get<SeriesDocument>("series", [partition, series])),
      );
      for (const one of stored)
        if (one !== undefined) storedSeries.add(one.document.partition, one.document.series);
      return distinct.filter((_, i) => stored[i] === undefined);
    },

    async commit({ before, head, series, changes, events }) {
      const { partition } = head;
      // If the commit fails, it is unknown whether the head was replaced.
      heads.forget(partition);
      const inserts = series.map((document): Change => ({ kind: "insert", collection: "series", document }));
      const { committed } = await store.commit({
        partition,
        changes: [headChange(partition, before, head), ...inserts, ...changes],
        events,
      });
      if (!committed) return false;
      heads.set(partition, { document: head, revision: (before?.revision ?? 0) + 1 });
      for (const document of series) storedSeries.add(partition, document.series);
      return true;
    },
  };
}
