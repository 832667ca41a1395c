import { leavesCollection } from "@wellapi/access-log";
import { journalCollections } from "@wellapi/journal";
import type { CollectionDeclaration, Document } from "@wellapi/store";
import { clinicalCollections } from "./clinical-documents.ts";

/**
 * The stored documents, all but the totals and the exports of organizations in the patient's partition. Only opaque ids, times and counts are in clear. Everything
 * that says who sent what, or what was measured, is sealed with the patient's data key, and ids that are derived from
 * such data are MACs under that key.
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
      // Blocks in their original form.
      { name: "by_sequence", fields: ["partition", "sequence"] },
      // Compacted blocks.
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
  { name: "vendor_accounts", key: ["partition", "account"], indexes: [] },
  { name: "device_priorities", key: ["partition"], indexes: [] },
  {
    name: "erasures",
    key: ["partition"],
    indexes: [
      { name: "by_state", fields: ["state"] },
      { name: "by_end", fields: ["state", "key_destroyed_ms"] },
    ],
    version: 2,
  },
  ...clinicalCollections,
  { name: "organization_totals", key: ["partition"], indexes: [] },
  { name: "exports", key: ["partition", "export"], indexes: [] },
  leavesCollection,
  ...journalCollections,
];

/** One a patient: the commit sequence. Every commit of data replaces it under a guard. */
export type Head = Document & {
  readonly sequence: number;
  /** Set for ever when an erasure begins: nothing is stored or read any more. */
  readonly erased: boolean;
  /**
   * When the oldest block was committed that compaction has not processed, UTC milliseconds; absent without such a
   * block.
   */
  readonly loose_since_ms?: number | undefined;
  /** Compaction has processed all commits up to this sequence; absent for 0. */
  readonly compacted?: number;
  /** How often samples were moved between blocks: a reader in several steps may have missed some. Absent for 0. */
  readonly moves?: number;
  /** Samples of later commits were never moved: they lie in their original blocks. Absent for 0. */
  readonly moved_to?: number;
  /** Later commits hold samples of series only, no observations. Absent for 0. */
  readonly observed_to?: number;
  /**
   * The full hour of UTC in which samples were last committed, UTC milliseconds; absent where the last commit is
   * older than this field.
   */
  readonly hour_ms?: number;
  /** The sequence before the first commit of that hour: answers as of the hour use this sequence and lower ones. */
  readonly before_hour?: number;
  /** By organization; absent where the last commit is older than this field, which counts from its first one on. */
  readonly held?: readonly Holding[] | undefined;
};

/** What an organization holds of a patient. */
export interface Holding {
  /** MAC of the organization. */
  readonly owner: string;
  /** Sealed bytes of all blocks as they came: a retraction or a merge takes nothing off. */
  readonly bytes: number;
  readonly series: number;
}

/** What an organization holds of all patients together: in a partition of its own, named by a pairwise id. */
export type TotalDocument = Document & {
  /** As `Holding` counts. */
  readonly bytes: number;
  readonly series: number;
};

/** What an organization exports: in a partition of its own, named by a pairwise id. Holds no patient. */
export type ExportDocument = Document & {
  readonly export: string;
  readonly types: readonly string[];
  readonly since_ms?: number;
  /** Absent: all. */
  readonly elements?: readonly string[];
  /** Absent: none. */
  readonly type_filters?: readonly string[];
  readonly purpose: number;
  readonly de_identified?: boolean;
  readonly created_ms: number;
  readonly expires_ms: number;
  readonly cancelled: boolean;
};

/** The place of a series; bound by its seal. */
export interface SeriesPlace {
  readonly partition: string;
  readonly series: string;
  /** MAC of the code. */
  readonly code: string;
}

/** One for each patient, provider, device, code, method and granularity. */
export type SeriesDocument = Document & SeriesPlace & { readonly sealed: Uint8Array };

/** The place of a block; bound by its seal. */
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
  /** One millisecond after the latest end of any sample. */
  readonly until_ms: number;
  readonly count: number;
}

/** The fields that every block has beside its place. */
interface Committed {
  readonly sequence: number;
  /** Commit sequence of the retraction that hides it; 0 while it is shown. */
  readonly hidden: number;
  readonly sealed: Uint8Array;
}

/** Samples of one item of a batch; it spans at most 31 days, and covers at most 32. */
export type BlockDocument = Document & BlockPlace & Committed;

/** The place of a compacted block; bound by its seal. `batch` is a new id, and `item` 0. */
export interface CompactedPlace extends BlockPlace {
  /** Lowest and highest sequence of the commits of its samples. */
  readonly first_sequence: number;
  readonly last_sequence: number;
}

/**
 * Samples of many batches; it replaces their blocks, within the same bounds. Its place and `count` include hidden
 * samples.
 */
export type CompactedDocument = Document &
  CompactedPlace & {
    readonly sealed: Uint8Array;
    /** Its hours, sealed separately; absent where they would save nothing. */
    readonly summary?: Uint8Array | undefined;
  };

export function isCompacted(document: BlockDocument | CompactedDocument): document is CompactedDocument {
  return "last_sequence" in document;
}

/** Whether readers see any sample of it. */
export function isShown(document: BlockDocument | CompactedDocument): boolean {
  return isCompacted(document) || document.hidden === 0;
}

/** The place of a block of observations; bound by its seal. */
export interface ObservationBlockPlace {
  readonly partition: string;
  readonly batch: string;
  /** Position of its first observation in the batch. */
  readonly item: number;
  readonly code: string;
  /** The series of which they are samples; empty where their values are not numbers. */
  readonly series: string;
  readonly from_ms: number;
  /** One millisecond after the latest effective time. */
  readonly to_ms: number;
  /** One millisecond after the latest end of any of them. */
  readonly until_ms: number;
  readonly count: number;
}

/** Observations of one batch, one code, and one series or none; spans at most 31 days. */
export type ObservationBlockDocument = Document & ObservationBlockPlace & Committed;

/** The place of a month of what was told of a series; bound by its seals. */
export interface ReleasePlace {
  readonly partition: string;
  readonly series: string;
  /** Months since the year 0, of UTC. */
  readonly month: number;
  /** Incremented by each write, so that its two parts belong to one write. */
  readonly version: number;
}

/** What readers of hourly and daily data were told of a series: docs/decisions/0021. */
export type ReleaseDocument = Document &
  ReleasePlace & {
    /** The lots that begin in the month, and their inputs. */
    readonly lots: Uint8Array;
    /** The samples of the month in lots, by time and rank. */
    readonly told: Uint8Array;
  };

/** The result of a batch. Never expires. */
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
  /** Its retraction: UTC milliseconds, and how many samples and records it hid; absent while the batch stands. */
  readonly retraction?: { readonly time_ms: number; readonly items: number };
};

/** The account at a vendor from which an organization sends the patient's data. */
export type VendorAccountDocument = Document & {
  /** MAC of organization and vendor. */
  readonly account: string;
  /** MAC of organization, vendor and the person's id there. */
  readonly user: string;
};

/** The patient's order of devices. */
export type DevicePriorityDocument = Document & { readonly sealed: Uint8Array };

/** A retracted batch, for watches. */
export type TombstoneDocument = Document & {
  readonly batch: string;
  readonly sequence: number;
  /** The retracted samples and their times; see retracted-samples.ts. */
  readonly sealed: Uint8Array;
};

/** An erasure; kept in clear as its proof: it holds only times and counts. */
export type ErasureDocument = Document & {
  readonly id: string;
  /** `retired`: done, and after the retention the audit key was destroyed, too. */
  readonly state: "running" | "done" | "retired";
  /** The log's entry of its beginning. */
  readonly opened_by: string;
  /** The log's entry that was committed at the end; empty until then. */
  readonly access: string;
  readonly key_destroyed_ms: number;
  /** Hashes of the keys' places; empty if the patient had no key. */
  readonly key_ids: readonly string[];
  readonly documents_deleted: number;
};
