import type { Change, Stored } from "@wellapi/store";
import type { ClinicalContent, ClinicalHead, ClinicalLabel } from "../blocks/clinical-box.ts";
import type {
  ClinicalLabelDocument,
  ClinicalPlace,
  ClinicalRecordDocument,
  ClinicalTermDocument,
  ClinicalVersionDocument,
} from "../blocks/clinical-documents.ts";
import type { PatientBox } from "../blocks/patient-box.ts";
import type { SearchFields } from "./search-fields.ts";

/** The version that counts, as it is stored, opened. */
export interface StoredRecord {
  readonly stored: Stored<ClinicalRecordDocument>;
  readonly content: ClinicalContent;
}

/** A version to be stored. */
export interface NewVersion {
  readonly partition: string;
  readonly record: string;
  /** The version that it takes the place of. */
  readonly before: StoredRecord | undefined;
  /** MAC of the organization. */
  readonly owner: string;
  readonly head: ClinicalHead;
  /** JSON with internal ids; undefined: it is a deletion. */
  readonly text: string | undefined;
  readonly fields: SearchFields | undefined;
  readonly updated: number;
}

/** What a version adds to a commit. */
export interface VersionWrites {
  readonly document: ClinicalRecordDocument;
  readonly label: ClinicalLabelDocument | undefined;
  readonly changes: readonly Change[];
  /** Sealed bytes. */
  readonly bytes: number;
}

/** Seals a version, and moves the one before among the replaced ones. */
export function versionWrites(box: PatientBox, version: NewVersion): VersionWrites {
  const { partition, record, before, owner, head, text, fields, updated } = version;
  const label: ClinicalLabel = { type: head.type, keys: head.keys };
  const labelId = text === undefined ? "" : box.clinical.labelId(label);
  const place: ClinicalPlace = {
    partition,
    record,
    version: (before?.stored.document.version ?? 0) + 1,
    label: labelId,
    owner,
    time_ms: fields?.date?.from ?? head.created,
    updated_ms: updated,
  };
  const terms = fields === undefined ? [] : termsOf(box, { labelId, owner, type: head.type }, fields);
  const sealed = box.clinical.seal("clinical_records", place, { head, text });
  const document: ClinicalRecordDocument = { ...place, terms, sealed };
  return {
    document,
    label:
      labelId === ""
        ? undefined
        : { partition, label: labelId, sealed: box.clinical.sealLabel(partition, label) },
    changes: [...recordChanges(box, before, document), ...termChanges(before?.stored.document, document)],
    bytes: sealed.length,
  };
}

function recordChanges(
  box: PatientBox,
  before: StoredRecord | undefined,
  document: ClinicalRecordDocument,
): Change[] {
  if (before === undefined) return [{ kind: "insert", collection: "clinical_records", document }];
  const { terms: _terms, sealed: _sealed, ...place } = before.stored.document;
  const replaced: ClinicalVersionDocument = {
    ...(place as ClinicalPlace),
    sealed: box.clinical.seal("clinical_versions", place as ClinicalPlace, before.content),
  };
  return [
    { kind: "replace", collection: "clinical_records", document, ifRevision: before.stored.revision },
    { kind: "insert", collection: "clinical_versions", document: replaced },
  ];
}

/** A term's entry lies at the record's time: where that moved, all entries move. */
function termChanges(before: ClinicalRecordDocument | undefined, after: ClinicalRecordDocument): Change[] {
  const { partition, record } = after;
  const keysOf = (document: ClinicalRecordDocument | undefined) =>
    new Map(
      (document?.terms ?? []).map((term) => [
        `${term} ${document!.time_ms}`,
        [term, document!.time_ms] as const,
      ]),
    );
  const [old, now] = [keysOf(before), keysOf(after)];
  const gone = [...old].filter(([name]) => !now.has(name));
  const added = [...now].filter(([name]) => !old.has(name));
  return [
    ...gone.map(([, [term, time]]): Change => {
      return { kind: "delete", collection: "clinical_terms", key: [partition, term, time, record] };
    }),
    ...added.map(([, [term, time_ms]]): Change => {
      const document: ClinicalTermDocument = { partition, term, time_ms, record };
      return { kind: "insert", collection: "clinical_terms", document };
    }),
  ];
}

/** Most codes, and most identifiers, by which one record is found. */
const MOST_TERMS = 64;

function termsOf(
  { clinical }: PatientBox,
  { labelId, owner, type }: { readonly labelId: string; readonly owner: string; readonly type: string },
  { codes, identifiers }: SearchFields,
): string[] {
  const terms = [
    ...codes.slice(0, MOST_TERMS).map(({ value }) => clinical.termId("code", labelId, value)),
    ...identifiers
      .slice(0, MOST_TERMS)
      .flatMap(({ value }) => [
        clinical.termId("identifier", labelId, value),
        clinical.termId("own", owner, type, value),
      ]),
  ];
  return [...new Set(terms)];
}
