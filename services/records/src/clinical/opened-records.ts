import type { FhirResource } from "@wellapi/fhir-r4";
import type { DamageReporter } from "@wellapi/runtime";
import type { Terminology } from "@wellapi/terminology";
import type { Vault } from "@wellapi/vault";
import { createBoxCache } from "../blocks/box-cache.ts";
import {
  type ClinicalCollection,
  type ClinicalContent,
  type ClinicalHead,
  sealContext,
} from "../blocks/clinical-box.ts";
import type { ClinicalRecordDocument, ClinicalVersionDocument } from "../blocks/clinical-documents.ts";
import type { HeadState } from "../blocks/head-cache.ts";
import { type PatientBox, withBox } from "../blocks/patient-box.ts";
import type { Interval } from "../model/interval.ts";
import { openClinicalIn } from "./clinical-repository.ts";
import { recordContentOf } from "./record-content.ts";
import { outlineOf, type ResourceOutline, storedResource } from "./resource-text.ts";
import { codesOf, statedOf, type Token } from "./search-fields.ts";

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
  /** Made when it is first asked for, as the outline is: not every list asks for codes. */
  readonly codes: () => readonly Token[];
  /** Many are looked at for one that is answered. */
  readonly outline: () => ResourceOutline;
}

type VersionDocument = ClinicalRecordDocument | ClinicalVersionDocument;

/** A record's version that counts. */
export interface CurrentRecord {
  readonly document: ClinicalRecordDocument;
  readonly opened: OpenedRecord;
}

/** Opens versions of clinical records. Throws DATA_DAMAGED, once it is reported. */
export interface OpenedRecords {
  open(collection: ClinicalCollection, document: VersionDocument): Promise<OpenedRecord>;
  /**
   * The versions that count of records that were found at these places, in the same order; undefined where there is none.
   *
   * @param known which one need not be loaded. `head`: as it was read before; what was loaded under its revision counted then. Without a
   * revision any is loaded. `stands`: whether it is where it was found; one that moved since the head was read is loaded, else it would be
   * at neither place.
   */
  current<At extends { readonly record: string }>(
    places: readonly At[],
    known: {
      readonly head: HeadState;
      readonly stands: (current: CurrentRecord, at: At) => boolean;
    },
    load: (at: At) => Promise<ClinicalRecordDocument | undefined>,
  ): Promise<ReadonlyArray<CurrentRecord | undefined>>;
}

interface Opened {
  readonly document: VersionDocument;
  readonly record: OpenedRecord;
  /** Of the head, under which it was the version that counts. */
  readonly revision: number | undefined;
}

/** About 2,500 small records. */
const BUDGET_BYTES = 16 * 1024 * 1024;
/** Of an entry, and of the objects that a byte of JSON becomes, with what its last reader saw. */
const ENTRY_BYTES = 2_000;
const BYTES_OF_ONE = 10;

/**
 * Keeps what was opened lately, so that who looks at a patient again and again opens nothing. It goes with the patient's key, and holds for
 * exactly the document that was opened. Who may see it is decided at each read.
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
    weigh: ({ document }) => ENTRY_BYTES + BYTES_OF_ONE * document.sealed.length,
  });

  function openIn(
    box: PatientBox,
    collection: ClinicalCollection,
    document: VersionDocument,
    revision: number | undefined,
  ): OpenedRecord {
    const name = nameOf(collection, document);
    const known = cache.get(box, name);
    const same = known !== undefined && isSame(collection, known.document, document);
    const record = same
      ? known.record
      : openedOf(terminology, document, openClinicalIn(box, damage, collection, document));
    const since = revision ?? (same ? known.revision : undefined);
    if (!same || known.revision !== since) cache.set(box, name, { document, record, revision: since });
    return record;
  }

  /** What was opened under the head's revision. */
  function knownIn(box: PatientBox, { partition, revision }: HeadState, record: string) {
    const known = cache.get(box, nameOf("clinical_records", { partition, record }));
    if (known === undefined || known.revision !== revision) return undefined;
    return { document: known.document as ClinicalRecordDocument, opened: known.record };
  }

  return {
    open: (collection, document) =>
      withBox(vault, document.partition, (box) => openIn(box, collection, document, undefined)),
    async current(places, { head, stands }, load) {
      const { partition, revision } = head;
      const known =
        revision === undefined
          ? []
          : await withBox(vault, partition, (box) =>
              places.map((at) => {
                const current = knownIn(box, head, at.record);
                return current !== undefined && stands(current, at) ? current : undefined;
              }),
            );
      if (known.length > 0 && !known.includes(undefined)) return known;
      const loaded = places.map(async (at, i) => {
        if (known[i] !== undefined) return known[i];
        const document = await load(at);
        if (document === undefined) return undefined;
        const opened = await withBox(vault, partition, (box) =>
          openIn(box, "clinical_records", document, revision),
        );
        return { document, opened };
      });
      return Promise.all(loaded);
    },
  };
}

function nameOf(
  collection: ClinicalCollection,
  {
    partition,
    record,
    version,
  }: { readonly partition: string; readonly record: string; readonly version?: number },
): string {
  return collection === "clinical_records" ? `${partition}/${record}` : `${partition}/${record}/${version}`;
}

/** All that the seal binds, and the seal. */
function isSame(collection: ClinicalCollection, one: VersionDocument, other: VersionDocument): boolean {
  return (
    Buffer.compare(one.sealed, other.sealed) === 0 &&
    sealContext(collection, one) === sealContext(collection, other)
  );
}

function openedOf(
  terminology: Pick<Terminology, "classify">,
  document: VersionDocument,
  { head, text }: ClinicalContent,
): OpenedRecord {
  return { head, content: text === undefined ? undefined : contentOf(terminology, document, head, text) };
}

function contentOf(
  terminology: Pick<Terminology, "classify">,
  { version, updated_ms: updated }: VersionDocument,
  head: ClinicalHead,
  text: string,
): OpenedContent {
  const resource = storedResource(text);
  const classes = terminology.classify(recordContentOf(resource));
  return {
    resource,
    // Rules that were added since take away, and never give.
    keys: "keys" in classes ? [...new Set([...head.keys, ...classes.keys])].sort() : [],
    stated: statedOf(resource),
    size: Buffer.byteLength(text),
    codes: once(() => codesOf(resource)),
    outline: once(() => outlineOf(resource, { version, updated })),
  };
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
