import type { FhirResource } from "@wellapi/fhir-r4";
import type { DamageReporter } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { ClinicalCollection, ClinicalContent } from "../blocks/clinical-box.ts";
import type { ClinicalRecordDocument, ClinicalVersionDocument } from "../blocks/clinical-documents.ts";
import type { ReadingDeps } from "../gate/reading.ts";
import { openClinical } from "./clinical-repository.ts";
import type { ReadableKeys } from "./readable-keys.ts";
import { recordContentOf } from "./record-content.ts";
import { storedResource } from "./resource-text.ts";
import { statedOf } from "./search-fields.ts";

export interface ClinicalReadDeps extends ReadingDeps {
  readonly store: Store;
  readonly damage: DamageReporter;
}

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
  /** With internal ids; undefined: it is a deletion. */
  readonly resource: FhirResource | undefined;
  /** Bytes of its JSON in UTF-8: three pages in one answer have to fit into a message between services. */
  readonly size: number;
}

type Document = ClinicalRecordDocument | ClinicalVersionDocument;

/** A version that the reader may see; undefined where not. The keys are those that its content has today, too. */
export async function showVersion(
  deps: ClinicalReadDeps,
  readable: ReadableKeys,
  collection: ClinicalCollection,
  document: Document,
): Promise<ShownRecord | undefined> {
  const content = await openClinical(deps.vault, deps.damage, collection, document);
  return shown(deps, readable, document, content);
}

function shown(
  { terminology }: ClinicalReadDeps,
  readable: ReadableKeys,
  document: Document,
  { head, text }: ClinicalContent,
): ShownRecord | undefined {
  const common = {
    record: document.record,
    type: head.type,
    version: document.version,
    updated: document.updated_ms,
    organization: head.organization,
    application: head.application,
  };
  if (text === undefined) {
    if (!readable.mayReadFrom(head.type, head.keys, head.organization)) return undefined;
    return { ...common, keys: head.keys, resource: undefined, size: 0 };
  }
  const resource = storedResource(text);
  const classes = terminology.classify(recordContentOf(resource));
  // Rules that were added since take away, and never give.
  const keys = "keys" in classes ? [...new Set([...head.keys, ...classes.keys])].sort() : [];
  if (!readable.mayReadDated(head.type, keys, head.organization, statedOf(resource))) return undefined;
  return { ...common, keys, resource, size: Buffer.byteLength(text) };
}
