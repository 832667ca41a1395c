import { pages, type Store } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { RecordsError } from "../errors.ts";
import type { Interval } from "../model/interval.ts";
import type { ObservationRecord } from "../model/observation.ts";
import { MAX_BLOCK_SPAN_MS } from "./block-limits.ts";
import type { ObservationBlockDocument } from "./documents.ts";
import { codeIdOf } from "./patient-box.ts";

/** A stored observation. Newest first means: by time, then by batch and item. */
export interface StoredObservation {
  /** Internal id of its batch. */
  readonly batch: string;
  readonly sequence: number;
  readonly record: ObservationRecord;
}

/** Where a page begins: after this observation. */
export interface ObservationPosition {
  readonly time: number;
  readonly batch: string;
  readonly item: number;
}

/** What scans read. */
export interface ObservationScan {
  readonly store: Store;
  readonly vault: Vault;
  /** The observations of the documents up to the first damaged one. */
  readonly open: (
    partition: string,
    documents: readonly ObservationBlockDocument[],
  ) => Promise<{
    readonly opened: readonly StoredObservation[];
    readonly damaged:
      | { readonly document: ObservationBlockDocument; readonly error: RecordsError }
      | undefined;
  }>;
}

export interface ScannedObservations {
  readonly partition: string;
  readonly code: string;
  readonly interval: Interval;
  readonly position: ObservationPosition | undefined;
}

/** A page mostly lies in one or two blocks; later pages of one read open more at a time. */
const FIRST_BLOCKS = 2;
const MOST_BLOCKS_A_STEP = 16;

export async function* newestFirst(
  { store, vault, open }: ObservationScan,
  { partition, code, interval, position }: ScannedObservations,
): AsyncGenerator<StoredObservation> {
  const codeId = await codeIdOf(vault, partition, code);
  if (codeId === undefined) return;
  const newest = Math.min(interval.to, position === undefined ? interval.to : position.time + 1);
  const wanted = (candidate: StoredObservation) =>
    candidate.record.time >= interval.from &&
    candidate.record.time < newest &&
    (position === undefined || comparePositions(positionOf(candidate), position, true) > 0);
  let held: StoredObservation[] = [];
  let limit = FIRST_BLOCKS;
  const read = (cursor: string | undefined) =>
    store.scan<ObservationBlockDocument>("observation_blocks", {
      index: "by_to",
      equals: [partition, codeId],
      // A block that reaches into the interval ends at most 31 days after it.
      range: { after: interval.from, to: newest + MAX_BLOCK_SPAN_MS + 1 },
      order: "descending",
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
  for await (const page of pages(read)) {
    const shown = page.documents
      .map(({ document }) => document)
      .filter(({ hidden, from_ms }) => hidden === 0 && from_ms < newest);
    const { opened, damaged } = await open(partition, shown);
    held.push(...opened.filter(wanted));
    held.sort((a, b) => comparePositions(positionOf(a), positionOf(b), true));
    limit = Math.min(2 * limit, MOST_BLOCKS_A_STEP);
    // Later blocks end no later than the last one that was read: newer observations are final.
    const settled =
      damaged?.document.to_ms ??
      (page.cursor === undefined ? Number.NEGATIVE_INFINITY : page.documents.at(-1)!.document.to_ms);
    yield* held.filter(({ record }) => record.time >= settled);
    if (damaged !== undefined) throw damaged.error;
    held = held.filter(({ record }) => record.time < settled);
  }
}

export async function* oldestFirst(
  { store, vault, open }: ObservationScan,
  { partition, code, interval, position }: ScannedObservations,
): AsyncGenerator<StoredObservation> {
  const codeId = await codeIdOf(vault, partition, code);
  if (codeId === undefined) return;
  const oldest = Math.max(interval.from, position?.time ?? interval.from);
  const wanted = (candidate: StoredObservation) =>
    candidate.record.time >= oldest &&
    candidate.record.time < interval.to &&
    (position === undefined || comparePositions(positionOf(candidate), position, false) > 0);
  let held: StoredObservation[] = [];
  let limit = FIRST_BLOCKS;
  const read = (cursor: string | undefined) =>
    store.scan<ObservationBlockDocument>("observation_blocks", {
      index: "by_to",
      equals: [partition, codeId],
      range: { after: oldest, to: interval.to + MAX_BLOCK_SPAN_MS + 1 },
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
  for await (const page of pages(read)) {
    const shown = page.documents
      .map(({ document }) => document)
      .filter(({ hidden, from_ms }) => hidden === 0 && from_ms < interval.to);
    const { opened, damaged } = await open(partition, shown);
    held.push(...opened.filter(wanted));
    held.sort((a, b) => comparePositions(positionOf(a), positionOf(b), false));
    limit = Math.min(2 * limit, MOST_BLOCKS_A_STEP);
    // Later blocks end no earlier than the last one that was read, and begin at most 31 days before their end.
    const last = damaged?.document.to_ms ?? page.documents.at(-1)?.document.to_ms;
    const whole = damaged === undefined && page.cursor === undefined;
    const settled = whole || last === undefined ? Number.POSITIVE_INFINITY : last - MAX_BLOCK_SPAN_MS - 1;
    yield* held.filter(({ record }) => record.time < settled);
    if (damaged !== undefined) throw damaged.error;
    held = held.filter(({ record }) => record.time >= settled);
  }
}

export function positionOf({ batch, record }: StoredObservation): ObservationPosition {
  return { time: record.time, batch, item: record.item };
}

/** Above 0 where `a` comes behind `b`; one order is the other one reversed. */
export function comparePositions(
  a: ObservationPosition,
  b: ObservationPosition,
  descending: boolean,
): number {
  const newestFirst =
    b.time - a.time || (a.batch < b.batch ? -1 : a.batch > b.batch ? 1 : 0) || a.item - b.item;
  return descending ? newestFirst : -newestFirst;
}
