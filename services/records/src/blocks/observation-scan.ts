import { pages, type Store } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { RecordsError } from "../errors.ts";
import { type Interval, intervalBehind } from "../model/interval.ts";
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
  readonly descending: boolean;
  readonly position: ObservationPosition | undefined;
}

/** A page mostly lies in one or two blocks; later pages of one read open more at a time. */
const FIRST_BLOCKS = 2;
const MOST_BLOCKS_A_STEP = 16;

/** Observations of a code in an order, behind `position`. A damaged block ends them where it begins in the order: those before it come first. */
export async function* inOrder(
  { store, vault, open }: ObservationScan,
  { partition, code, interval, descending, position }: ScannedObservations,
): AsyncGenerator<StoredObservation> {
  const codeId = await codeIdOf(vault, partition, code);
  if (codeId === undefined) return;
  const { from, to } = intervalBehind(interval, position?.time, descending);
  const wanted = (candidate: StoredObservation) =>
    candidate.record.time >= from &&
    candidate.record.time < to &&
    (position === undefined || comparePositions(positionOf(candidate), position, descending) > 0);
  let held: StoredObservation[] = [];
  let limit = FIRST_BLOCKS;
  const read = (cursor: string | undefined) =>
    store.scan<ObservationBlockDocument>("observation_blocks", {
      index: "by_to",
      equals: [partition, codeId],
      // A block that reaches into the interval ends at most 31 days after it.
      range: { after: from, to: to + MAX_BLOCK_SPAN_MS + 1 },
      order: descending ? "descending" : "ascending",
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
  for await (const page of pages(read)) {
    const shown = page.documents
      .map(({ document }) => document)
      .filter(({ hidden, from_ms }) => hidden === 0 && from_ms < to);
    const { opened, damaged } = await open(partition, shown);
    held.push(...opened.filter(wanted));
    held.sort((a, b) => comparePositions(positionOf(a), positionOf(b), descending));
    limit = Math.min(2 * limit, MOST_BLOCKS_A_STEP);
    const end = damaged === undefined && page.cursor === undefined;
    const last = damaged ?? page.documents.at(-1);
    const isSettled = end || last === undefined ? () => true : settledBy(last.document.to_ms, descending);
    yield* held.filter(({ record }) => isSettled(record.time));
    if (damaged !== undefined) throw damaged.error;
    held = held.filter(({ record }) => !isSettled(record.time));
  }
}

/**
 * Whether no later block has an observation that comes before this time in the order. Blocks come by their end, and begin at most 31 days
 * before it.
 *
 * @param end of the last block that was read
 */
function settledBy(end: number, descending: boolean): (time: number) => boolean {
  return descending ? (time) => time >= end : (time) => time < end - MAX_BLOCK_SPAN_MS - 1;
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
