import type { FhirResource } from "@wellapi/fhir-r4";
import type { DamageReporter } from "@wellapi/runtime";
import type { Terminology } from "@wellapi/terminology";
import type { Vault } from "@wellapi/vault";
import { createBoxCache } from "../blocks/box-cache.ts";
import { type ClinicalCollection, type ClinicalHead, sealContext } from "../blocks/clinical-box.ts";
import type { ClinicalRecordDocument, ClinicalVersionDocument } from "../blocks/clinical-documents.ts";
import { withBox } from "../blocks/patient-box.ts";
import type { Interval } from "../model/interval.ts";
import { openClinicalIn } from "./clinical-repository.ts";
import { recordContentOf } from "./record-content.ts";
import { outlineOf, type ResourceOutline, storedResource } from "./resource-text.ts";
import { statedOf } from "./search-fields.ts";

/** What one version says, whoever asks. */
export interface OpenedRecord {
  readonly head: ClinicalHead;
  /** Undefined: it is a deletion. */
  readonly content: OpenedContent | undefined;
}

export interface OpenedContent {
  /** With internal ids. */
  readonly resource: FhirResource;
  /** What consents have to cover: by the rules of when it was stored, and by those of today. */
  readonly keys: readonly string[];
  /** All dates that it states. */
  readonly stated: Interval | undefined;
  /** Bytes of its JSON in UTF-8. */
  readonly size: number;
  /** Made when it is first asked for: many are looked at for one that is answered. */
  outline(): ResourceOutline;
}

/** Opens versions of clinical records. */
export interface OpenedRecords {
  /** Throws DATA_DAMAGED, once it is reported. */
  open(
    collection: ClinicalCollection,
    document: ClinicalRecordDocument | ClinicalVersionDocument,
  ): Promise<OpenedRecord>;
}

interface Opened {
  readonly sealed: Uint8Array;
  readonly record: OpenedRecord;
}

/** About 2,500 small records. */
const BUDGET_BYTES = 16 * 1024 * 1024;
/** Of an entry, and of the objects that a byte of JSON becomes. */
const ENTRY_BYTES = 2_000;
const BYTES_OF_ONE = 8;

/**
 * Keeps what was opened lately, so that the next page of who looks at a patient again and again opens nothing. It goes with the
 * patient's key, and holds for exactly the bytes that were opened. Who may see it is decided at each read.
 */
export function createOpenedRecords(
  vault: Vault,
  damage: DamageReporter,
  terminology: Pick<Terminology, "classify">,
): OpenedRecords {
  const cache = createBoxCache<Opened>({
    name: "opened-records",
    budget: BUDGET_BYTES,
    largest: BUDGET_BYTES / 16,
    weigh: ({ sealed }) => ENTRY_BYTES + BYTES_OF_ONE * sealed.length,
  });
  return {
    open: (collection, document) =>
      withBox(vault, document.partition, (box) => {
        const { sealed } = document;
        const name = sealContext(collection, document);
        const known = cache.get(box, name);
        if (known !== undefined && Buffer.compare(known.sealed, sealed) === 0) return known.record;
        const { head, text } = openClinicalIn(box, damage, collection, document);
        const record = {
          head,
          content: text === undefined ? undefined : contentOf(terminology, document, head, text),
        };
        cache.set(box, name, { sealed, record });
        return record;
      }),
  };
}

function contentOf(
  terminology: Pick<Terminology, "classify">,
  { version, updated_ms: updated }: ClinicalRecordDocument | ClinicalVersionDocument,
  head: ClinicalHead,
  text: string,
): OpenedContent {
  const resource = storedResource(text);
  const classes = terminology.classify(recordContentOf(resource));
  let outline: ResourceOutline | undefined;
  return {
    resource,
    // Rules that were added since take away, and never give.
    keys: "keys" in classes ? [...new Set([...head.keys, ...classes.keys])].sort() : [],
    stated: statedOf(resource),
    size: Buffer.byteLength(text),
    outline: () => {
      outline ??= outlineOf(resource, { version, updated });
      return outline;
    },
  };
}
