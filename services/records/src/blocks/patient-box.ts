import { encodeId } from "@wellapi/runtime";
import { isWithoutKey, type PatientKey, type Vault, VaultError } from "@wellapi/vault";
import type { DevicePriority } from "../model/device-priority.ts";
import { decodeObservations, encodeObservations, type ObservationRecord } from "../model/observation.ts";
import { observationSeriesId } from "../model/observation-series-id.ts";
import {
  decodeProvenBlock,
  encodeProvenBlock,
  type ProvenBlock,
  type SeriesDescriptor,
} from "../model/provenance.ts";
import { type ClinicalBox, createClinicalBox } from "./clinical-box.ts";
import {
  type CompactedBlock,
  decodeCompacted,
  decodeShown,
  encodeCompacted,
  type ShownSamples,
} from "./compacted-block.ts";
import type {
  BlockDocument,
  BlockPlace,
  CompactedDocument,
  CompactedPlace,
  DevicePriorityDocument,
  ObservationBlockDocument,
  ObservationBlockPlace,
  ReleaseDocument,
  ReleasePlace,
  SeriesDocument,
  SeriesPlace,
  TombstoneDocument,
} from "./documents.ts";
import { decodeRetracted, encodeRetracted, type RetractedSamples } from "./retracted-samples.ts";
import { decodeSummary, encodeSummary, type Summary } from "./summary.ts";

/** The two parts of a month of releases, each with its own seal. */
export type ReleasePart = "lots" | "told";

type TombstonePlace = Pick<TombstoneDocument, "batch" | "sequence"> & { readonly partition: string };

/**
 * All operations with a patient's data key. A seal binds the collection, the document's key and the fields in clear,
 * so a moved or relabelled block does not open.
 */
export interface PatientBox {
  seriesId(descriptor: SeriesDescriptor): string;
  /** Id of a series of observations as samples: it shares a descriptor with a series of samples, and never the id. */
  observationSeriesId(descriptor: SeriesDescriptor): string;
  codeId(code: string): string;
  ownerId(organization: string): string;
  receiptId(organization: string, requestId: string): string;
  /** Of an organization's account at a vendor; of whose it is, with `user`. */
  vendorAccountId(organization: string, vendor: string, user?: string): string;
  digest(batch: Uint8Array): Uint8Array;
  /** Internal id of a device, to be made pairwise; undefined if the provider named none. */
  deviceId(organization: string, identifier: string): string | undefined;
  /** Internal name of the data of one commit, to be made pairwise. It reveals nothing of the sequence. */
  commitId(sequence: number): string;
  sealSeries(place: SeriesPlace, descriptor: SeriesDescriptor): Uint8Array;
  openSeries(document: SeriesDocument): SeriesDescriptor;
  sealBlock(place: BlockPlace, block: ProvenBlock): Uint8Array;
  openBlock(document: BlockDocument): ProvenBlock;
  sealCompacted(place: CompactedPlace, block: CompactedBlock): Uint8Array;
  openCompacted(document: CompactedDocument): CompactedBlock;
  sealSummary(place: CompactedPlace, summary: Summary): Uint8Array;
  /** Undefined if the block has no summary. */
  openSummary(document: CompactedDocument): Summary | undefined;
  /** The part of a compacted block that readers see. */
  openShown(document: CompactedDocument): ShownSamples;
  sealObservations(place: ObservationBlockPlace, records: readonly ObservationRecord[]): Uint8Array;
  openObservations(document: ObservationBlockDocument): ObservationRecord[];
  /** Seals one part of a month of releases; the `lots` wing encodes it. */
  sealRelease(place: ReleasePlace, part: ReleasePart, encoded: Uint8Array): Uint8Array;
  openRelease(document: ReleaseDocument, part: ReleasePart): Uint8Array;
  sealRetracted(place: TombstonePlace, samples: readonly RetractedSamples[]): Uint8Array;
  openRetracted(document: TombstoneDocument): RetractedSamples[];
  sealPriority(partition: string, priority: DevicePriority): Uint8Array;
  openPriority(document: DevicePriorityDocument): DevicePriority;
  readonly clinical: ClinicalBox;
}

/**
 * Runs `use` with the patient's key. `use` must be synchronous: when the session ends under which a key may be used,
 * the key is dropped from memory, also between two asynchronous steps; the next call fetches it again.
 *
 * @throws VaultError `no_key`, `destroyed`, `tampered` or `unavailable`
 */
export async function withBox<T>(vault: Vault, partition: string, use: (box: PatientBox) => T): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const key = await vault.key(partition, "data");
    try {
      return use(boxOf(key));
    } catch (error) {
      const dropped = error instanceof VaultError && error.code === "unavailable";
      if (!dropped || attempt === 3) throw error;
    }
  }
}

/** Makes the patient's key unless there is one. Throws VaultError `destroyed` after an erasure. */
export async function ensureKey(vault: Vault, partition: string): Promise<void> {
  try {
    await vault.key(partition, "data");
  } catch (error) {
    if (!isWithoutKey(error)) throw error;
    await vault.create(partition, "data");
  }
}

/** The opaque id of a code; undefined where nothing was ever sealed for the patient. */
export async function codeIdOf(vault: Vault, partition: string, code: string): Promise<string | undefined> {
  try {
    return await withBox(vault, partition, (box) => box.codeId(code));
  } catch (error) {
    if (isWithoutKey(error)) return undefined;
    throw error;
  }
}

/**
 * Opaque ids of a few things (series, codes, owners, devices) repeat with every batch. At most this many a patient
 * are cached.
 */
const KEPT_IDS = 512;
/** By key: the vault makes a new key object each time that it unwraps, so these ids go when the key goes. */
const boxes = new WeakMap<PatientKey, PatientBox>();

function boxOf(key: PatientKey): PatientBox {
  const known = boxes.get(key) ?? createPatientBox(key);
  boxes.set(key, known);
  return known;
}

export function createPatientBox(key: PatientKey): PatientBox {
  const kept = new Map<string, string>();
  /** 128 of the MAC's 256 bits: enough that two ids of one patient never collide. */
  const id = (label: string, ...parts: readonly string[]) =>
    encodeId(key.mac(`records/${label}`, Buffer.from(JSON.stringify(parts))).subarray(0, 16));
  const keptId = (label: string, ...parts: readonly string[]) => {
    const name = JSON.stringify([label, ...parts]);
    const known = kept.get(name);
    if (known !== undefined) return known;
    const made = id(label, ...parts);
    if (kept.size < KEPT_IDS) kept.set(name, made);
    return made;
  };

  return {
    seriesId: ({ organization, device, code, method, granularity }) =>
      keptId("series", organization, device, code, String(method), String(granularity)),
    observationSeriesId: ({ organization, device, code, method, granularity }) =>
      observationSeriesId(keptId("observed", organization, device, code, `${method} ${granularity}`)),
    codeId: (code) => keptId("code", code),
    ownerId: (organization) => keptId("owner", organization),
    receiptId: (organization, requestId) => id("receipt", organization, requestId),
    vendorAccountId: (organization, vendor, user) =>
      id("vendor", organization, vendor, ...(user === undefined ? [] : [user])),
    digest: (batch) => key.mac("records/digest", batch),
    deviceId: (organization, identifier) =>
      identifier === "" ? undefined : `dev_${keptId("device", organization, identifier)}`,

    commitId: (sequence) => `bat_${id("commit", String(sequence))}`,

    sealSeries: (place, descriptor) =>
      key.seal(seriesContext(place), Buffer.from(JSON.stringify(descriptor))),
    openSeries: (document) =>
      JSON.parse(Buffer.from(key.open(seriesContext(document), document.sealed)).toString()),
    sealBlock: (place, block) => key.seal(blockContext(place), encodeProvenBlock(block)),
    openBlock: (document) => decodeProvenBlock(key.open(blockContext(document), document.sealed)),
    sealCompacted: (place, block) => key.seal(compactedContext(place), encodeCompacted(block)),
    openCompacted: (document) => decodeCompacted(key.open(compactedContext(document), document.sealed)),
    sealSummary: (place, summary) => key.seal(compactedContext(place, "summary"), encodeSummary(summary)),
    openSummary: (document) =>
      document.summary && decodeSummary(key.open(compactedContext(document, "summary"), document.summary)),
    openShown: (document) => decodeShown(key.open(compactedContext(document), document.sealed)),
    sealObservations: (place, records) => key.seal(observationsContext(place), encodeObservations(records)),
    openObservations: (document) =>
      decodeObservations(key.open(observationsContext(document), document.sealed)),
    sealRelease: (place, part, encoded) => key.seal(releaseContext(place, part), encoded),
    openRelease: (document, part) => key.open(releaseContext(document, part), document[part]),
    sealRetracted: (place, samples) => key.seal(tombstoneContext(place), encodeRetracted(samples)),
    openRetracted: (document) => decodeRetracted(key.open(tombstoneContext(document), document.sealed)),
    sealPriority: (partition, priority) =>
      key.seal(priorityContext(partition), Buffer.from(JSON.stringify(priority))),
    openPriority: ({ partition, sealed }) =>
      JSON.parse(Buffer.from(key.open(priorityContext(partition), sealed)).toString()),
    clinical: createClinicalBox(key),
  };
}

function priorityContext(partition: string): string {
  return JSON.stringify(["device_priorities", partition]);
}

function seriesContext(place: SeriesPlace): string {
  return JSON.stringify(["series", place.partition, place.series, place.code]);
}

function blockContext(place: BlockPlace): string {
  const { partition, batch, item, series, code, from_ms, to_ms, until_ms, count } = place;
  return JSON.stringify(["blocks", partition, batch, item, series, code, from_ms, to_ms, until_ms, count]);
}

function compactedContext(place: CompactedPlace, what: "compacted" | "summary" = "compacted"): string {
  const { partition, batch, item, series, code, from_ms, to_ms, until_ms, count } = place;
  const sequences = [place.first_sequence, place.last_sequence];
  const times = [from_ms, to_ms, until_ms];
  return JSON.stringify([what, partition, batch, item, series, code, times, count, sequences]);
}

function tombstoneContext({ partition, batch, sequence }: TombstonePlace): string {
  return JSON.stringify(["tombstones", partition, batch, sequence]);
}

function observationsContext(place: ObservationBlockPlace): string {
  const { partition, batch, item, code, series, from_ms, to_ms, until_ms, count } = place;
  const span = [from_ms, to_ms, until_ms];
  return JSON.stringify(["observation_blocks", partition, batch, item, code, series, span, count]);
}

function releaseContext(place: ReleasePlace, part: ReleasePart): string {
  const { partition, series, month, version } = place;
  return JSON.stringify(["releases", part, partition, series, month, version]);
}
