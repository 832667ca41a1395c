import type { Columns } from "@wellapi/series";
import { decodeBlock, encodeBlock } from "@wellapi/series";

/** How a value was measured: FHIR's Observation.method in a few kinds; the numbers are the contract's. */
export type Method = number;

/** The declared class of intervals; the numbers are the contract's. Never the measured length. */
export type Granularity = number;

/** The identity of a series: samples of one series hide each other, samples of two series never do. */
export interface SeriesDescriptor {
  readonly organization: string;
  /** The provider's own identifier of the device; empty where it named none. */
  readonly device: string;
  /** LOINC. */
  readonly code: string;
  readonly method: Method;
  readonly granularity: Granularity;
}

/** The source of a sample, as readers see it. */
export interface Source {
  readonly organization: string;
  readonly application: string;
  readonly device: string;
  readonly model: string;
  readonly method: Method;
  readonly granularity: Granularity;
}

/** The origin of a block or an observation. */
export interface Provenance extends Source {
  /** UTC milliseconds. */
  readonly received: number;
  /** The consent that permitted storing it, with its version. */
  readonly consent: string;
  readonly version: number;
}

/** The sealed content of a block: provenance, then the columns. */
export interface ProvenBlock {
  readonly provenance: Provenance;
  readonly columns: Columns;
}

const LENGTH_BYTES = 2;

/**
 * 2 bytes of length, big-endian; provenance as JSON; a block of packages/series, uncompressed. Compaction deflates it
 * later, when no caller waits; before that, the setup of deflate, and of inflate for each reader, would cost more
 * than the disk.
 */
export function encodeProvenBlock(block: ProvenBlock): Uint8Array {
  const header = Buffer.from(JSON.stringify(block.provenance));
  const body = encodeBlock(block.columns, false);
  const bytes = Buffer.alloc(LENGTH_BYTES + header.length + body.length);
  bytes.writeUInt16BE(header.length);
  bytes.set(header, LENGTH_BYTES);
  bytes.set(body, LENGTH_BYTES + header.length);
  return bytes;
}

/** The inverse; the bytes come from an authenticated seal, so they are the bytes that were sealed. */
export function decodeProvenBlock(bytes: Uint8Array): ProvenBlock {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = LENGTH_BYTES + view.readUInt16BE();
  const provenance = JSON.parse(view.toString("utf8", LENGTH_BYTES, end)) as Provenance;
  return { provenance, columns: decodeBlock(bytes.subarray(end)) };
}

/** Whether readers see the same source for both. */
export function sourceKey(source: Source): string {
  const { organization, application, device, model, method, granularity } = source;
  return JSON.stringify([organization, application, device, model, method, granularity]);
}

/** The source as if its sender had named no device. */
export function withoutDevice<S extends Source>(source: S): S {
  return { ...source, device: "", model: "" };
}

export function sourceOf({ organization, application, device, model, method, granularity }: Source): Source {
  return { organization, application, device, model, method, granularity };
}
