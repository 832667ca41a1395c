import { leavesCollection } from "@wellapi/access-log";
import { journalCollections } from "@wellapi/journal";
import type { CollectionDeclaration, Document } from "@wellapi/store";

/**
 * What lies in the store, all in the patient's partition. In clear stand opaque ids, times and counts only;
 * everything that says who sent what, or what was measured, is sealed with the patient's data key, and ids
 * that are derived from such things are MACs under that key.
 */
export const recordsCollections: readonly CollectionDeclaration[] = [
  { name: "heads", key: ["partition"], indexes: [{ name: "by_loose_since", fields: ["loose_since_ms"] }] },
  {
    name: "series",
    key: ["partition", "series"],
    indexes: [{ name: "by_code", fields: ["partition", "code", "series"] }],
  },
  {
    name: "blocks",
    key: ["partition", "batch", "item"],
    indexes: [
      { name: "by_from", fields: ["partition", "series", "from_ms"] },
      // Blocks as they arrived.
      { name: "by_sequence", fields: ["partition", "sequence"] },
      // Compacted ones.
      { name: "by_last_sequence", fields: ["partition", "last_sequence"] },
    ],
  },
  {
    name: "observation_blocks",
    key: ["partition", "batch", "item"],
    indexes: [
      { name: "by_to", fields: ["partition", "code", "to_ms"] },
      { name: "by_from", fields: ["partition", "series", "from_ms"] },
      { name: "by_sequence", fields: ["partition", "sequence"] },
    ],
  },
  {
    name: "receipts",
    key: ["partition", "receipt"],
    indexes: [{ name: "by_batch", fields: ["partition", "batch"] }],
  },
  {
    name: "tombstones",
    key: ["partition", "batch"],
    indexes: [{ name: "by_sequence", fields: ["partition", "sequence"] }],
  },
  { name: "releases", key: ["partition", "series", "month"], indexes: [] },
  {
    name: "erasures",
    key: ["partition"],
    indexes: [{ name: "by_state", fields: ["state"] }],
  },
  leavesCollection,
  ...journalCollections,
];

/** One a patient: the commit sequence. Every commit of data replaces it under a guard. */
export type Head = Document & {
  readonly sequence: number;
  /** Set when an erasure begins, and for ever: nothing is stored or read any more. */
  readonly erased: boolean;
  /** When the oldest block was committed that no compaction has looked at, UTC milliseconds; absent where there is none. */
  readonly loose_since_ms?: number | undefined;
  /** Compaction has looked at what was committed up to this sequence; absent for 0. */
  readonly compacted?: number;
  /** How often samples were moved from blocks to others: who reads in several steps may have missed them. Absent for 0. */
  readonly moves?: number;
  /** No samples of later commits were ever moved: they lie in the blocks in which they came. Absent for 0. */
  readonly moved_to?: number;
  /** Samples of later commits are in series alone, not in observations. Absent for 0. */
  readonly observed_to?: number;
  /** The full hour of UTC in which samples were last committed, UTC milliseconds; absent where that was before hours were kept. */
  readonly hour_ms?: number;
  /** The sequence before the first commit of that hour: what is told as of the hour has this sequence or a lower one. */
  readonly before_hour?: number;
};

/** Where a series stands; bound by its seal. */
export interface SeriesPlace {
  readonly partition: string;
  readonly series: string;
  /** MAC of the code. */
  readonly code: string;
}

/** One a patient, provider, device, code, method and granularity. */
export type SeriesDocument = Document & SeriesPlace & { readonly sealed: Uint8Array };

/** Where a block stands; bound by its seal. */
export interface BlockPlace {
  readonly partition: string;
  readonly batch: string;
  /** Position of the item in its batch. */
  readonly item: number;
  readonly series: string;
  readonly code: string;
  /** First sample. */
  readonly from_ms: number;
  /** One millisecond after the last sample's start. */
  readonly to_ms: number;
  /** One millisecond after the last that any sample covers. */
  readonly until_ms: number;
  readonly count: number;
}

/** What every block carries beside its place. */
interface Committed {
  readonly sequence: number;
  /** Commit sequence of the retraction that hides it; 0 while it shows. */
  readonly hidden: number;
  readonly sealed: Uint8Array;
}

/** Samples of one item of a batch; spans at most 31 days, and reaches over at most 32. */
export type BlockDocument = Document & BlockPlace & Committed;

/** Where a compacted block stands; bound by its seal. `batch` is an id of its own, and `item` 0. */
export interface CompactedPlace extends BlockPlace {
  /** Lowest and highest sequence of the commits that its samples came with. */
  readonly first_sequence: number;
  readonly last_sequence: number;
}

/** Samples of many batches in the place of their blocks; within the same bounds. Its place and `count` are also of those that are hidden. */
export type CompactedDocument = Document &
  CompactedPlace & {
    readonly sealed: Uint8Array;
    /** Its hours, sealed for themselves; absent where they would save nothing. */
    readonly summary?: Uint8Array | undefined;
  };

export function isCompacted(document: BlockDocument | CompactedDocument): document is CompactedDocument {
  return "last_sequence" in document;
}

/** Whether readers are shown anything of it. */
export function isShown(document: BlockDocument | CompactedDocument): boolean {
  return isCompacted(document) || document.hidden === 0;
}

/** Where a block of observations stands; bound by its seal. */
export interface ObservationBlockPlace {
  readonly partition: string;
  readonly batch: string;
  /** Position in its batch of the first observation inside. */
  readonly item: number;
  readonly code: string;
  /** The series that they are samples of; empty where their values are no numbers. */
  readonly series: string;
  readonly from_ms: number;
  /** One millisecond after the latest effective time. */
  readonly to_ms: number;
  /** One millisecond after the last that any of them covers. */
  readonly until_ms: number;
  readonly count: number;
}

/** Observations of one code, and of one series or none, of a batch; spans at most 31 days. */
export type ObservationBlockDocument = Document & ObservationBlockPlace & Committed;

/** Where a month of what was told of a series stands; bound by its seals. */
export interface ReleasePlace {
  readonly partition: string;
  readonly series: string;
  /** Months since the year 0, of UTC. */
  readonly month: number;
  /** Counts the times that it was written, so that its two parts are of one time. */
  readonly version: number;
}

/** What readers of hourly and daily data were told of a series: docs/decisions/0021. */
export type ReleaseDocument = Document &
  ReleasePlace & {
    /** The lots that begin in the month, and what they were made from. */
    readonly lots: Uint8Array;
    /** The samples of the month that lots told, by time and rank. */
    readonly told: Uint8Array;
  };

/** What became of a batch. Never expires. */
export type ReceiptDocument = Document & {
  /** MAC of organization and request id. */
  readonly receipt: string;
  /** MAC of the organization. */
  readonly owner: string;
  /** MAC of the batch as it was sent. */
  readonly digest: Uint8Array;
  readonly batch: string;
  /** Bit `i` is set where item `i` was accepted. */
  readonly accepted: Uint8Array;
  /** Commit sequences at which items were accepted, ascending; empty where none was. */
  readonly sequences: readonly number[];
  /** MACs of the codes of accepted series. */
  readonly codes: readonly string[];
  /** Its retraction, UTC milliseconds and how many samples and records it hid; absent while it stands. */
  readonly retraction?: { readonly time_ms: number; readonly items: number };
};

/** A batch that was taken back, for those who watch. */
export type TombstoneDocument = Document & {
  readonly batch: string;
  readonly sequence: number;
  /** What was taken back, and when it was; see retracted-samples.ts. */
  readonly sealed: Uint8Array;
};

/** An erasure; kept as its proof, in clear: it names nothing but times and counts. */
export type ErasureDocument = Document & {
  readonly id: string;
  readonly state: "running" | "done";
  /** The log's entry of its beginning. */
  readonly opened_by: string;
  /** The log's entry that was committed when all was done; empty until then. */
  readonly access: string;
  readonly key_destroyed_ms: number;
  /** Hashes of the keys' places; empty where the patient had none. */
  readonly key_ids: readonly string[];
  readonly documents_deleted: number;
};
