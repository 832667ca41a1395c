import {
  type Columns,
  type Cover,
  concatColumns,
  coverOf,
  endOfSample,
  firstAtOrAfter,
  type Ranks,
  reachOf,
  shownWithin,
  viewOf,
} from "@wellapi/series";
import { unite } from "../model/interval.ts";
import type { Source } from "../model/provenance.ts";

/** Samples of an opened block, or of a part of it. Without other blocks, none of them hides another. */
export interface CommittedSamples {
  readonly source: Source;
  readonly columns: Columns;
  /** The rank of all of them; the highest where they have several. Absent where it was not computed: `each` gives it. */
  readonly rank?: number | undefined;
  /** Where they have several ranks: the rank of each sample of the block; these samples begin at `offset`. */
  readonly each?: { readonly ranks: () => Float64Array; readonly offset: number };
  /** Whether other samples of their block hide them: they are not shown, but they hide earlier samples. */
  readonly hidden?: boolean;
}

export function samplesOf(blocks: readonly CommittedSamples[]): number {
  return blocks.reduce((sum, { columns }) => sum + columns.times.length, 0);
}

export function reachOfAll(blocks: readonly CommittedSamples[]): number {
  return blocks.reduce((most, { columns }) => Math.max(most, reachOf(columns)), Number.NEGATIVE_INFINITY);
}

/** A chain of blocks, each of which reaches into the next. */
interface Cluster {
  readonly members: CommittedSamples[];
  readonly from: number;
  reach: number;
}

export function clustersOf(blocks: readonly CommittedSamples[]): Cluster[] {
  const clusters: Cluster[] = [];
  for (const block of blocks.toSorted((a, b) => a.columns.times[0]! - b.columns.times[0]!)) {
    const from = block.columns.times[0]!;
    const last = clusters.at(-1);
    if (last !== undefined && from < last.reach) {
      last.members.push(block);
      last.reach = Math.max(last.reach, reachOf(block.columns));
    } else clusters.push({ members: [block], from, reach: reachOf(block.columns) });
  }
  return clusters;
}

/** Parts a block into stretches that no other member reaches into (others may lie between them), and the rest. */
export function partsOf(block: CommittedSamples, members: readonly CommittedSamples[]) {
  const others = members
    .filter((other) => other !== block)
    .map(({ columns }) => ({ from: columns.times[0]!, to: reachOf(columns) }));
  const { columns } = block;
  const count = columns.times.length;
  const apart: CommittedSamples[] = [];
  const contested: CommittedSamples[] = [];
  let at = 0;
  for (const { from, to } of unite(others)) {
    if (at === count || reachOf(columns) <= from) break;
    const first = Math.max(at, firstEndingAfter(columns, from));
    const next = Math.max(first, firstAtOrAfter(columns.times, to));
    if (first > at) apart.push(partOf(block, at, first));
    if (next > first) contested.push(partOf(block, first, next));
    at = next;
  }
  if (at < count) apart.push(partOf(block, at, count));
  return { apart, contested };
}

export function coverOfBlock(block: CommittedSamples): Cover {
  return coverOf(block.columns, ranksOf(block));
}

export function touches({ columns }: CommittedSamples, from: number, reach: number): boolean {
  return columns.times[0]! < reach && reachOf(columns) > from;
}

export function ranksOf({ rank, each, columns: { times } }: CommittedSamples): Ranks {
  return each?.ranks().subarray(each.offset, each.offset + times.length) ?? rank!;
}

export function shownOf(block: CommittedSamples, cover: Cover): CommittedSamples[] {
  return shownWithin(block.columns, ranksOf(block), cover).map(([from, to]) => partOf(block, from, to));
}

/** The first one that ends after `limit`; it exists. */
export function firstEndingAfter(columns: Columns, limit: number): number {
  const { times, durationMs } = columns;
  if (typeof durationMs === "number") return firstAtOrAfter(times, limit - Math.max(1, durationMs) + 1);
  let at = 0;
  while (endOfSample(columns, at) <= limit) at++;
  return at;
}

/** The samples that start in `[from, to)`, as a view. */
export function sliceSamples(block: CommittedSamples, from: number, to: number): CommittedSamples {
  const { times } = block.columns;
  const start = firstAtOrAfter(times, from);
  return partOf(block, start, Math.max(start, firstAtOrAfter(times, to)));
}

function partOf(block: CommittedSamples, start: number, end: number): CommittedSamples {
  const { columns, each } = block;
  if (start === 0 && end === columns.times.length) return block;
  const part = { ...block, columns: viewOf(columns, start, end) };
  return each === undefined
    ? part
    : { ...part, rank: undefined, each: { ...each, offset: each.offset + start } };
}

export function highestRank(block: CommittedSamples): number {
  if (block.rank !== undefined) return block.rank;
  const ranks = ranksOf(block);
  return typeof ranks === "number" ? ranks : ranks.reduce((highest, rank) => Math.max(highest, rank), 0);
}

/** The samples of the block that may be shown from `from` on, or hide something before `horizon`. */
export function reachingInto(block: CommittedSamples, from: number, horizon: number): CommittedSamples[] {
  const { columns } = block;
  if (columns.times.length === 0 || reachOf(columns) <= from) return [];
  const reaching = partOf(block, firstEndingAfter(columns, from), columns.times.length);
  return startingBefore(reaching, horizon);
}

/** The samples of the block that start before `end`, copied: a view would keep the whole block in memory. */
export function startingBefore(block: CommittedSamples, end: number): CommittedSamples[] {
  if (block.columns.times.at(-1)! < end) return [block];
  const view = sliceSamples(block, Number.NEGATIVE_INFINITY, end);
  const { columns } = view;
  if (columns.times.length === 0) return [];
  return [{ ...view, columns: concatColumns([columns, viewOf(columns, 0, 0)]) }]; // copies, for there are two
}
