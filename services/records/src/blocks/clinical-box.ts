import { encodeId } from "@wellapi/runtime";
import type { PatientKey } from "@wellapi/vault";
import type {
  ClinicalLabelDocument,
  ClinicalPlace,
  ClinicalRecordDocument,
  ClinicalVersionDocument,
} from "./clinical-documents.ts";

/** What is sealed beside the resource of one version. */
export interface ClinicalHead {
  /** FHIR's name of its type. */
  readonly type: string;
  /** The keys by which it was decided when it was stored; of a deletion, those of what it deleted. */
  readonly keys: readonly string[];
  readonly organization: string;
  readonly application: string;
  /** When the record's first version was stored, UTC milliseconds. */
  readonly created: number;
  /** The consents that permitted storing this version. */
  readonly consents: ReadonlyArray<{ readonly consent: string; readonly version: number }>;
}

/** One version, opened. */
export interface ClinicalContent {
  readonly head: ClinicalHead;
  /** JSON with internal ids; undefined of a deletion. */
  readonly text: string | undefined;
}

/** What a label stands for. */
export interface ClinicalLabel {
  readonly type: string;
  readonly keys: readonly string[];
}

/** Where a version lies: the current one, or among those that were replaced. */
export type ClinicalCollection = "clinical_records" | "clinical_versions";

/** All operations of clinical records with a patient's data key. Seals bind what the fields in clear say. */
export interface ClinicalBox {
  labelId(label: ClinicalLabel): string;
  /** A searchable fact: its kind, and what it says. */
  termId(kind: ClinicalTerm, ...parts: readonly string[]): string;
  receiptId(organization: string, requestId: string): string;
  digest(batch: Uint8Array): Uint8Array;
  seal(collection: ClinicalCollection, place: ClinicalPlace, content: ClinicalContent): Uint8Array;
  open(
    collection: ClinicalCollection,
    document: ClinicalRecordDocument | ClinicalVersionDocument,
  ): ClinicalContent;
  sealLabel(partition: string, label: ClinicalLabel): Uint8Array;
  openLabel(document: ClinicalLabelDocument): ClinicalLabel;
}

/**
 * - `code`: what a record of a label is about, by code
 * - `identifier`: an identifier of a record of a label, by value
 * - `own`: an identifier of a record of an organization and a type, by value, for If-None-Exist
 */
export type ClinicalTerm = "code" | "identifier" | "own";

const LENGTH_BYTES = 4;

export function createClinicalBox(key: PatientKey): ClinicalBox {
  const id = (label: string, parts: readonly string[]) =>
    encodeId(key.mac(`records/clinical/${label}`, Buffer.from(JSON.stringify(parts))).subarray(0, 16));
  return {
    labelId: ({ type, keys }) => id("label", [type, ...keys]),
    termId: (kind, ...parts) => id(kind, parts),
    receiptId: (organization, requestId) => id("receipt", [organization, requestId]),
    digest: (batch) => key.mac("records/clinical/digest", batch),
    seal: (collection, place, content) => key.seal(sealContext(collection, place), encode(content)),
    open: (collection, document) => decode(key.open(sealContext(collection, document), document.sealed)),
    sealLabel: (partition, label) =>
      key.seal(labelContext(partition, id("label", [label.type, ...label.keys])), bytesOf(label)),
    openLabel: (document) =>
      JSON.parse(
        Buffer.from(key.open(labelContext(document.partition, document.label), document.sealed)).toString(),
      ),
  };
}

/** All that the seal of a version binds beside its content. */
export function sealContext(collection: ClinicalCollection, place: ClinicalPlace): string {
  const { partition, record, version, label, owner, time_ms, updated_ms } = place;
  return JSON.stringify([collection, partition, record, version, label, owner, time_ms, updated_ms]);
}

function labelContext(partition: string, label: string): string {
  return JSON.stringify(["clinical_labels", partition, label]);
}

/** Length of the head, big-endian; the head as JSON; the resource's text. */
function encode({ head, text = "" }: ClinicalContent): Uint8Array {
  const headBytes = bytesOf(head);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(headBytes.length);
  return Buffer.concat([length, headBytes, Buffer.from(text)]);
}

function decode(bytes: Uint8Array): ClinicalContent {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = LENGTH_BYTES + buffer.readUInt32BE();
  const text = buffer.toString("utf8", end);
  return {
    head: JSON.parse(buffer.toString("utf8", LENGTH_BYTES, end)),
    text: text === "" ? undefined : text,
  };
}

function bytesOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
