import type { DamageReporter } from "@wellapi/runtime";
import { type Change, type OutboxEvent, type Store, type Stored, scanPages } from "@wellapi/store";
import { isWithoutKey, type Vault } from "@wellapi/vault";
import type { ClinicalCollection, ClinicalContent } from "../blocks/clinical-box.ts";
import type {
  ClinicalLabelDocument,
  ClinicalReceiptDocument,
  ClinicalRecordDocument,
  ClinicalTermDocument,
  ClinicalVersionDocument,
} from "../blocks/clinical-documents.ts";
import { openOrReport } from "../blocks/damage.ts";
import type { Head } from "../blocks/documents.ts";
import { headChange } from "../blocks/head-repository.ts";
import { ensureKey, type PatientBox, withBox } from "../blocks/patient-box.ts";
import type { StoredRecord } from "./record-writes.ts";
import { storedResource } from "./resource-text.ts";
import { identifiersOf, type Token } from "./search-fields.ts";
import type { SentBatch } from "./sent-batch.ts";

/** The names of a sender and of its batch under the patient's key. */
export interface ClinicalNames {
  readonly owner: string;
  /** Undefined where the batch has no request id. */
  readonly receipt: string | undefined;
  readonly digest: Uint8Array;
}

/** The content of one commit. */
export interface ClinicalCommit {
  readonly before: Stored<Head> | undefined;
  readonly head: Head;
  readonly changes: readonly Change[];
  readonly events: readonly OutboxEvent[];
}

const MATCHES = 64;

/** Reads and commits of clinical records for those who change them. Throws StoreError and VaultError. */
export interface ClinicalRepository {
  /** Makes the patient's key unless there is one. */
  names(partition: string, organization: string, batch: SentBatch): Promise<ClinicalNames>;
  /** As `names`; undefined where the patient has no key, and so no data. */
  knownNames(partition: string, organization: string, batch: SentBatch): Promise<ClinicalNames | undefined>;
  receipt(partition: string, receipt: string): Promise<Stored<ClinicalReceiptDocument> | undefined>;
  /** The version that counts, also where it is a deletion. */
  find(partition: string, record: string): Promise<StoredRecord | undefined>;
  /** An organization's records of a type that have an identifier; without deleted ones. */
  withIdentifier(
    partition: string,
    owner: string,
    type: string,
    identifier: Token,
  ): Promise<readonly StoredRecord[]>;
  /** Of these labels, those that are not stored, each once. */
  unstored(labels: readonly ClinicalLabelDocument[]): Promise<readonly ClinicalLabelDocument[]>;
  /** False where another commit came between: then nothing is written. */
  commit(writes: ClinicalCommit): Promise<boolean>;
}

export function createClinicalRepository(
  store: Store,
  vault: Vault,
  damage: DamageReporter,
): ClinicalRepository {
  const namesOf = (
    box: PatientBox,
    organization: string,
    { requestId, digest }: SentBatch,
  ): ClinicalNames => ({
    owner: box.ownerId(organization),
    receipt: requestId === "" ? undefined : box.clinical.receiptId(organization, requestId),
    digest: box.clinical.digest(digest),
  });

  async function find(partition: string, record: string): Promise<StoredRecord | undefined> {
    const stored = await store.get<ClinicalRecordDocument>("clinical_records", [partition, record]);
    if (stored === undefined) return undefined;
    const content = await withBox(vault, partition, (box) =>
      openClinicalIn(box, damage, "clinical_records", stored.document),
    );
    return { stored, content };
  }

  return {
    async names(partition, organization, batch) {
      await ensureKey(vault, partition);
      return withBox(vault, partition, (box) => namesOf(box, organization, batch));
    },
    async knownNames(partition, organization, batch) {
      try {
        return await withBox(vault, partition, (box) => namesOf(box, organization, batch));
      } catch (error) {
        if (isWithoutKey(error)) return undefined;
        throw error;
      }
    },
    receipt: (partition, receipt) =>
      store.get<ClinicalReceiptDocument>("clinical_receipts", [partition, receipt]),
    find,
    async withIdentifier(partition, owner, type, { system, value }) {
      const term = await withBox(vault, partition, (box) => box.clinical.termId("own", owner, type, value));
      const { documents } = await store.scan<ClinicalTermDocument>("clinical_terms", {
        equals: [partition, term],
        limit: MATCHES,
      });
      const found = await Promise.all(documents.map(({ document }) => find(partition, document.record)));
      return found
        .filter((one) => one !== undefined)
        .filter(({ content: { text } }) => {
          if (text === undefined) return false;
          return identifiersOf(storedResource(text)).some(
            (one) => one.value === value && one.system === system,
          );
        });
    },
    async unstored(labels) {
      const distinct = [...new Map(labels.map((one) => [one.label, one])).values()];
      const stored = await Promise.all(
        distinct.map(({ partition, label }) => store.get("clinical_labels", [partition, label])),
      );
      return distinct.filter((_, i) => stored[i] === undefined);
    },
    async commit({ before, head, changes, events }) {
      const { partition } = head;
      const { committed } = await store.commit({
        partition,
        changes: [headChange(partition, before, head), ...changes],
        events,
      });
      return committed;
    },
  };
}

/** Opens one version; its damage is reported. Throws DATA_DAMAGED. */
export function openClinicalIn(
  box: PatientBox,
  damage: DamageReporter,
  collection: ClinicalCollection,
  document: ClinicalRecordDocument | ClinicalVersionDocument,
): ClinicalContent {
  const { partition, record, version } = document;
  const place =
    collection === "clinical_records"
      ? { collection, key: [partition, record] }
      : { collection, key: [partition, record, version] };
  return openOrReport(damage, place, () => box.clinical.open(collection, document));
}

/** What all records of a label have in common. */
export interface OpenedLabel {
  readonly label: string;
  readonly type: string;
  readonly keys: readonly string[];
}

/** All labels of a patient, by their ids. */
export async function labelsOf(
  store: Store,
  vault: Vault,
  damage: DamageReporter,
  partition: string,
): Promise<readonly OpenedLabel[]> {
  const scan = { equals: [partition], limit: 1_000 };
  const labels: OpenedLabel[] = [];
  for await (const page of scanPages<ClinicalLabelDocument>(store, "clinical_labels", scan)) {
    // A patient without records may have no key.
    if (page.documents.length === 0) continue;
    const opened = await withBox(vault, partition, (box) =>
      page.documents.map(({ document }) => {
        const place = { collection: "clinical_labels" as const, key: [partition, document.label] };
        const said = openOrReport(damage, place, () => box.clinical.openLabel(document));
        return { label: document.label, ...said };
      }),
    );
    labels.push(...opened);
  }
  return labels;
}
