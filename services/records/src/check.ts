import { type LeafSealer, leafCheck, leavesCollection } from "@wellapi/access-log";
import {
  type DocumentCheck,
  type Finding,
  findingOf,
  RESTORE,
  type Reads,
  type StoreCheck,
} from "@wellapi/store";
import { type Vault, VaultError } from "@wellapi/vault";
import type {
  ClinicalLabelDocument,
  ClinicalRecordDocument,
  ClinicalTermDocument,
  ClinicalVersionDocument,
} from "./blocks/clinical-documents.ts";
import { damageOf } from "./blocks/damage.ts";
import {
  type BlockDocument,
  type CompactedDocument,
  type DevicePriorityDocument,
  type Head,
  isCompacted,
  type ObservationBlockDocument,
  type ReceiptDocument,
  type ReleaseDocument,
  recordsCollections,
  type SeriesDocument,
  type TombstoneDocument,
} from "./blocks/documents.ts";
import { loadHead } from "./blocks/head-repository.ts";
import { type PatientBox, withBox } from "./blocks/patient-box.ts";
import { openLots, openTold } from "./lots/release-seals.ts";
import { isObservationSeries } from "./model/observation-series-id.ts";

export interface CheckDeps {
  /** Of this service's store. */
  readonly reads: Reads;
  readonly vault: Vault;
  readonly sealer: LeafSealer;
}

type Said = Pick<Finding, "what" | "means" | "remedy">;

/** The checks of this service's store, without the service: documents open, decode, and agree with each other. */
export function recordsCheck(deps: CheckDeps): StoreCheck {
  return {
    collections: recordsCollections,
    documents: {
      ...sealedChecks(deps),
      ...sequenceChecks(deps),
      [leavesCollection.name]: leafCheck(deps.sealer),
    },
  };
}

/** Of what is sealed with a patient's key. */
function sealedChecks({ reads, vault }: CheckDeps): Record<string, DocumentCheck> {
  /** The finding of `look` for a document, opened with its patient's key. */
  async function sealed(
    partition: string,
    means: string,
    remedy: string,
    look: (box: PatientBox) => string | undefined,
  ): Promise<Said | undefined> {
    try {
      const what = await withBox(vault, partition, look);
      return what === undefined ? undefined : { what, means, remedy };
    } catch (error) {
      // Nothing of an erased patient opens, and nothing should; the check of the keys reports a damaged key.
      const reportedElsewhere =
        error instanceof VaultError && (error.code === "destroyed" || error.code === "damaged");
      if (reportedElsewhere) return undefined;
      const noKey = error instanceof VaultError && error.code === "no_key";
      const what = noKey ? "its patient has no key" : damageOf(error);
      if (what === undefined) throw error;
      return { what, means, remedy };
    }
  }

  return {
    ...clinicalChecks(reads, sealed),
    async series(document) {
      const stored = document as SeriesDocument;
      const means = "one series of one patient: who sent it and by which device is not known";
      const said = await sealed(stored.partition, means, RESTORE, (box) => {
        const descriptor = box.openSeries(stored);
        const ofObservations = isObservationSeries(stored.series);
        const id = ofObservations ? box.observationSeriesId(descriptor) : box.seriesId(descriptor);
        const own = id === stored.series && box.codeId(descriptor.code) === stored.code;
        return own ? undefined : "what it holds is another series";
      });
      return said && findingOf("series", [stored.partition, stored.series], said);
    },
    async blocks(document) {
      const stored = document as BlockDocument | CompactedDocument;
      const { partition, batch, item } = stored;
      const means = `one block of one patient's series: ${samplesOf(stored)}`;
      const remedy = isCompacted(stored) ? RESTORE : RETRACT;
      const said =
        (await sealed(partition, means, remedy, (box) => lookAtBlock(box, stored))) ??
        (await beyondHead(reads, partition, isCompacted(stored) ? stored.last_sequence : stored.sequence));
      return said && findingOf("blocks", [partition, batch, item], said);
    },
    async observation_blocks(document) {
      const stored = document as ObservationBlockDocument;
      const { partition, batch, item } = stored;
      const means = `one block of one patient's observations: ${samplesOf(stored, "observations")}`;
      const said =
        (await sealed(partition, means, RETRACT, (box) => lookAtObservations(box, stored))) ??
        (await beyondHead(reads, partition, stored.sequence));
      return said && findingOf("observation_blocks", [partition, batch, item], said);
    },
    async device_priorities(document) {
      const stored = document as DevicePriorityDocument;
      const means = "one patient's order of devices: merged lines of their samples can't be made";
      const said = await sealed(stored.partition, means, RESTORE, (box) => {
        box.openPriority(stored);
        return undefined;
      });
      return said && findingOf("device_priorities", [stored.partition], said);
    },
    async releases(document) {
      const stored = document as ReleaseDocument;
      const { partition, series, month } = stored;
      const means =
        "a month of one series of one patient: readers of hourly and daily data get nothing of it";
      const said = await sealed(partition, means, RESTORE, (box) => lookAtRelease(box, stored));
      return said && findingOf("releases", [partition, series, month], said);
    },
  };
}

type Sealed = (
  partition: string,
  means: string,
  remedy: string,
  look: (box: PatientBox) => string | undefined,
) => Promise<Said | undefined>;

/** Of clinical records: each version opens, its label is known, and searches find it. */
function clinicalChecks(reads: Reads, sealed: Sealed): Record<string, DocumentCheck> {
  const means = "one version of one clinical record of one patient: it can't be read";
  return {
    async clinical_records(document) {
      const stored = document as ClinicalRecordDocument;
      const { partition, record, label } = stored;
      const known = label === "" || (await reads.get("clinical_labels", [partition, label])) !== undefined;
      const said = await sealed(partition, means, RESTORE, (box) => {
        const { text } = box.clinical.open("clinical_records", stored);
        if ((text === undefined) !== (label === "")) return "what it holds is not what its label says";
        return known ? undefined : "its label is not stored, so no list finds it";
      });
      return said && findingOf("clinical_records", [partition, record], said);
    },
    async clinical_versions(document) {
      const stored = document as ClinicalVersionDocument;
      const said = await sealed(stored.partition, means, RESTORE, (box) => {
        box.clinical.open("clinical_versions", stored);
        return undefined;
      });
      return said && findingOf("clinical_versions", [stored.partition, stored.record, stored.version], said);
    },
    async clinical_labels(document) {
      const stored = document as ClinicalLabelDocument;
      const { partition, label } = stored;
      const of =
        "the clinical records of one type and of the same categories of one patient: no list finds them";
      const said = await sealed(partition, of, RESTORE, (box) =>
        box.clinical.labelId(box.clinical.openLabel(stored)) === label
          ? undefined
          : "what it holds is another label",
      );
      return said && findingOf("clinical_labels", [partition, label], said);
    },
    async clinical_terms(document) {
      const { partition, term, time_ms, record } = document as ClinicalTermDocument;
      const stored = await reads.get<ClinicalRecordDocument>("clinical_records", [partition, record]);
      if (stored?.document.time_ms === time_ms && stored.document.terms.includes(term)) return undefined;
      return findingOf("clinical_terms", [partition, term, time_ms, record], {
        what: "its record does not have it",
        means: "a search looks at one record in vain",
        remedy: RESTORE,
      });
    },
  };
}

function lookAtRelease(box: PatientBox, document: ReleaseDocument): string | undefined {
  const { lots } = openLots(box, document);
  const { lots: tellers, takers } = openTold(box, document);
  const told = Map.groupBy(tellers.keys(), (at) => (takers[at] === 0 ? tellers[at]! : 0));
  // The rest of a lot that reaches into the next month lies there.
  const more = lots.some(({ id, left }) => (told.get(id)?.length ?? 0) > left);
  return more ? "more is told than its lots say" : undefined;
}

/** Of what stands in clear and names commits. */
function sequenceChecks({ reads }: CheckDeps): Record<string, DocumentCheck> {
  return {
    async receipts(document) {
      const { partition, receipt, sequences } = document as ReceiptDocument;
      const said = await beyondHead(reads, partition, Math.max(0, ...sequences));
      return said && findingOf("receipts", [partition, receipt], said);
    },
    async tombstones(document) {
      const { partition, batch, sequence } = document as TombstoneDocument;
      const said = await beyondHead(reads, partition, sequence);
      return said && findingOf("tombstones", [partition, batch], said);
    },
    async heads(document) {
      const { partition, sequence, compacted = 0, moved_to = 0 } = document as Head;
      if (compacted <= sequence && moved_to <= sequence) return undefined;
      return findingOf("heads", [partition], {
        what: "it says that more was compacted than was committed",
        means: "later batches of this patient would not be compacted",
        remedy: RESTORE,
      });
    },
  };
}

/** A commit's sequence that is higher than the patient's head. */
async function beyondHead(reads: Reads, partition: string, last: number): Promise<Said | undefined> {
  const head = (await loadHead(reads, partition))?.document;
  // A batch without accepted items leaves a receipt and no commit.
  if (last === 0 || (head !== undefined && last <= head.sequence)) return undefined;
  return {
    what:
      head === undefined ? "its patient has no head" : "its sequence is beyond that of the patient's head",
    means: "later commits of this patient may take sequences that are in use; watches may miss some",
    remedy: RESTORE,
  };
}

const RETRACT =
  "the provider that sent it takes its batch back (`wellapi retract`) and sends it again under a new request_id; or restore a backup (docs/operations.md, Damage)";

function samplesOf(
  { count, code, from_ms, to_ms }: Pick<BlockDocument, "count" | "code" | "from_ms" | "to_ms">,
  kind = "samples",
): string {
  const time = (ms: number) => new Date(ms).toISOString();
  return `${count} ${kind} of code ${code} between ${time(from_ms)} and ${time(to_ms)}`;
}

function lookAtBlock(box: PatientBox, stored: BlockDocument | CompactedDocument): string | undefined {
  if (!isCompacted(stored)) {
    const { times } = box.openBlock(stored).columns;
    return agrees(stored, times.length, times[0], times.at(-1));
  }
  const strips = box.openCompacted(stored);
  const count = strips.reduce((sum, { columns }) => sum + columns.times.length, 0);
  const first = least(strips.map(({ columns }) => columns.times[0]!));
  const last = most(strips.map(({ columns }) => columns.times.at(-1)!));
  const sequences = strips.flatMap(({ origins }) => origins.map(({ sequence }) => sequence));
  const summary = box.openSummary(stored);
  if (least(sequences) !== stored.first_sequence || most(sequences) !== stored.last_sequence) {
    return "its sequences are not those beside it";
  }
  const shown = strips[0]?.columns.times.length ?? 0;
  const summed = summary?.counts.reduce((sum, hour) => sum + hour, 0) ?? shown;
  if (summed !== shown) return "its summary counts other samples than it shows";
  return agrees(stored, count, first, last);
}

function lookAtObservations(box: PatientBox, stored: ObservationBlockDocument): string | undefined {
  const records = box.openObservations(stored);
  const times = records.map(({ time }) => time);
  return agrees(stored, records.length, least(times), most(times));
}

/**
 * Compares the sealed content with the fields beside it, which the seal binds: a difference is a mistake of this
 * program, not of a disk.
 */
function agrees(
  { count, from_ms, to_ms }: Pick<BlockDocument, "count" | "from_ms" | "to_ms">,
  counted: number,
  first: number | undefined,
  last: number | undefined,
): string | undefined {
  if (counted !== count) return "it holds another number than the one beside it";
  if (first !== from_ms || last === undefined || last + 1 > to_ms) return "its times are not those beside it";
  return undefined;
}

const least = (values: readonly number[]) =>
  values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
