import type { CollectionDeclaration, Document } from "@wellapi/store";

/**
 * The stored documents of clinical records. In clear are opaque ids, times and versions: what a record says, its type too, is
 * sealed, and what searches need is a MAC under the patient's key.
 */
export const clinicalCollections: readonly CollectionDeclaration[] = [
  {
    name: "clinical_records",
    key: ["partition", "record"],
    indexes: [
      { name: "by_time", fields: ["partition", "label", "time_ms", "record"] },
      { name: "by_update", fields: ["partition", "label", "updated_ms", "record"] },
    ],
  },
  { name: "clinical_versions", key: ["partition", "record", "version"], indexes: [] },
  { name: "clinical_labels", key: ["partition", "label"], indexes: [] },
  { name: "clinical_terms", key: ["partition", "term", "time_ms", "record"], indexes: [] },
  { name: "clinical_receipts", key: ["partition", "receipt"], indexes: [] },
];

/** The place of one version of a record; bound by its seal. */
export interface ClinicalPlace {
  readonly partition: string;
  /** Internal id, `rec_...`. */
  readonly record: string;
  /** From 1. */
  readonly version: number;
  /** MAC of type and classes; `""` where this version is a deletion, so that no list finds it. */
  readonly label: string;
  /** MAC of the organization that contributed it. */
  readonly owner: string;
  /** What lists are ordered by: the beginning of its clinical date, or when its first version was stored. */
  readonly time_ms: number;
  /** When this version was stored. */
  readonly updated_ms: number;
}

/** The version that counts. */
export type ClinicalRecordDocument = Document &
  ClinicalPlace & {
    /** Its entries in `clinical_terms`. */
    readonly terms: readonly string[];
    readonly sealed: Uint8Array;
  };

/** A version that was replaced. */
export type ClinicalVersionDocument = Document & ClinicalPlace & { readonly sealed: Uint8Array };

/** What a label stands for, sealed. One for each type and set of classes that the patient has records of. */
export type ClinicalLabelDocument = Document & { readonly label: string; readonly sealed: Uint8Array };

/** Says that the record has something by which it is found: `term` is a MAC of it. */
export type ClinicalTermDocument = Document & {
  readonly term: string;
  readonly time_ms: number;
  readonly record: string;
};

/** The result of a batch under its `request_id`. Never expires. */
export type ClinicalReceiptDocument = Document & {
  /** MAC of organization and request id. */
  readonly receipt: string;
  /** MAC of the batch as it was sent. */
  readonly digest: Uint8Array;
  /** What was done, by position in the batch. */
  readonly done: ReadonlyArray<{
    readonly item: number;
    readonly record: string;
    readonly version: number;
    readonly updated_ms: number;
  }>;
};
