import type { DamageReporter } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { ClinicalCollection } from "../blocks/clinical-box.ts";
import type { ClinicalRecordDocument, ClinicalVersionDocument } from "../blocks/clinical-documents.ts";
import type { Letting } from "../gate/consent-notes.ts";
import type { ReadingDeps } from "../gate/reading.ts";
import type { ClinicalMemory } from "./clinical-memory.ts";
import type { OpenedContent, OpenedRecord } from "./opened-records.ts";
import type { ReadableKeys } from "./readable-keys.ts";

export interface ClinicalReadDeps extends ReadingDeps, ClinicalMemory {
  readonly store: Store;
  readonly damage: DamageReporter;
}

/** About how much JSON a page holds. */
export const PAGE_BYTES = 900_000;

/** One version of a record, as its reader may see it. */
export interface ShownRecord {
  readonly record: string;
  readonly type: string;
  readonly version: number;
  readonly updated: number;
  readonly organization: string;
  readonly application: string;
  /** What consents have to cover. */
  readonly keys: readonly string[];
  /** What it says; undefined: it is a deletion. */
  readonly content: OpenedContent | undefined;
  /** Whether the patient disputes it. */
  readonly disputed: boolean;
  /** The consents that let it through; none for a patient's own read. */
  readonly letting: readonly Letting[];
  /** Bytes of its JSON in UTF-8: three pages in one answer have to fit into a message between services. */
  readonly size: number;
}

const CONSENT_BYTES = 80;

type Document = ClinicalRecordDocument | ClinicalVersionDocument;

/** A version that the reader may see; undefined where not. */
export async function showVersion(
  { opened }: ClinicalReadDeps,
  readable: ReadableKeys,
  collection: ClinicalCollection,
  document: Document,
): Promise<ShownRecord | undefined> {
  return shown(readable, document, await opened.open(collection, document));
}

/** The same of a version that is open. The keys are those that its content has today, too. */
export function shown(
  readable: ReadableKeys,
  document: Document,
  { head, content }: OpenedRecord,
): ShownRecord | undefined {
  const { type, keys: storedKeys, organization, application } = head;
  const { record, version, updated_ms: updated } = document;
  const common = { record, type, version, updated, organization, application };
  if (content === undefined) {
    if (!readable.mayReadFrom(type, storedKeys, organization)) return undefined;
    const letting = readable.lettingOf(storedKeys, organization, undefined);
    return { ...common, keys: storedKeys, content: undefined, disputed: false, letting, size: 0 };
  }
  const { keys, stated, size } = content;
  if (!readable.mayReadDated(type, keys, organization, stated)) return undefined;
  const disputed = readable.isDisputed({ record, keys, organization, stated });
  const letting = readable.lettingOf(keys, organization, stated);
  return { ...common, keys, content, disputed, letting, size: size + letting.length * CONSENT_BYTES };
}
