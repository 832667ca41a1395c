import {
  type Columns,
  type Cover,
  concatColumns,
  coverOf,
  coverWithin,
  endOfSample,
  firstAtOrAfter,
  mergeCovers,
  nothingCovered,
  type Ranks,
  reachOf,
  sameFormat,
  shownWithin,
  viewOf,
} from "@wellapi/series";
import type { Interval } from "./interval.ts";
import { type Source, sourceKey } from "./provenance.ts";
import { sequenceOf } from "./rank.ts";

/** Samples of an opened block, or of a part of it. Alone, none of them hides another. */
export interface CommittedSamples {
  readonly source: Source;
  readonly columns: Columns;
  /** Of all of them; the highest where they have several. */
  readonly rank: number;
  /** Where they have several: the rank of each sample of the block, of which they are those from `offset` on. */
  readonly each?: { readonly ranks: () => Float64Array; readonly offset: number };
  /** Whether others of their block hide them: nobody is shown them, but they hide what is earlier. */
  readonly hidden?: boolean;
}

/** Samples that are shown, all from one source and of one format. */
export interface Run {
  readonly source: Source;
  readonly columns: Columns;
  /** Highest commit sequence among the batches that the samples come from. */
  readonly sequence: number;
  /** The rank of each sample; read when it is asked for. Absent where nobody asks. */
  readonly ranks?: () => Float64Array;
}

/**
 * What is shown of a series, while its blocks come in by their first sample: a sample is hidden by a later one that
 * overlaps it, whether that is hidden itself or not. Holds what is shown of the stretch that later blocks may still
 * reach, and of the hidden only what they cover, however often the same hours were sent.
 */
export interface Winners {
  /**
   * Blocks may come in any order of rank, but none may start before an earlier `take` ended. Where more comes
   * together than may be held, the later part is let go and has to be read again: see `end`.
   */
  add(blocks: readonly CommittedSamples[]): void;
  /** Up to where what is shown is final if no block that is still to come starts before `next`. */
  settled(next: number): number;
  /** Hands out what is shown before `to`, and lets go of it. */
  take(to: number): Run[];
  /** What starts here or later is not held, whatever was added: at most the end of the interval. */
  readonly end: number;
  /** Where the last of what is held ends: a block that starts before may hide it. */
  readonly reach: number;
  /** Samples held. */
  readonly held: number;
}

export interface WinnersLimits {
  /** More than a block has. */
  readonly samples: number;
  /** Stretches of one block each: where blocks interleave, every sample is one, and costs many times its own size. */
  readonly stretches: number;
}

export const usualLimits: WinnersLimits = { samples: 500_000, stretches: 50_000 };

/** Of the samples that start within `interval`; what starts outside may hide them. */
export function createWinners(interval: Interval, limits = usualLimits): Winners {
  /** What is shown so far, ascending. */
  let held: CommittedSamples[] = [];
  /** Blocks that reach into no other: nobody needs to know yet what they cover. */
  let apart: CommittedSamples[] = [];
  /** What all others cover. */
  let cover: Cover = nothingCovered;
  let end = interval.to;
  /** What starts here or later can hide nothing that is held. */
  let horizon = Number.POSITIVE_INFINITY;

  function addTogether(blocks: readonly CommittedSamples[]): void {
    const fresh = new Set(blocks);
    const clusters = clustersOf([...apart, ...blocks]);
    apart = [];
    for (const { members, from, reach } of clusters) {
      const first = members[0]!;
      if (members.length === 1 && !(fresh.has(first) && isTouched(from, reach))) apart.push(first);
      else {
        const covers = members.map(({ columns, ...of }) => coverOf(columns, ranksOf(of, columns)));
        cover = mergeCovers(cover, covers.reduce(mergeCovers));
        held = held.flatMap((piece) => (touches(piece, from, reach) ? shownOf(piece, cover) : [piece]));
      }
      for (const block of members) {
        if (!fresh.has(block) || block.hidden) continue;
        held.push(...(apart.at(-1) === block ? [block] : shownOf(block, cover)).flatMap(wanted));
      }
    }
    held = held.flatMap(wanted).sort((a, b) => a.columns.times[0]! - b.columns.times[0]!);
  }

  function isTouched(from: number, reach: number): boolean {
    return (
      coverWithin(cover, from, reach).starts.length > 0 || held.some((piece) => touches(piece, from, reach))
    );
  }

  /** What of shown samples is held. One that reaches beyond the horizon cannot be judged, nor what comes after it. */
  function wanted(piece: CommittedSamples): CommittedSamples[] {
    const part = sliceSamples(piece, interval.from, end);
    const { columns } = part;
    if (columns.times.length === 0) return [];
    if (reachOf(columns) <= horizon) return [part];
    end = columns.times[firstEndingAfter(columns, horizon)]!;
    return wanted(part);
  }

  /** Keeps about half of what may be held, and never all: the last stretch alone may be more than half. */
  function letGo(): void {
    let samples = 0;
    let kept = 0;
    while (
      kept < held.length - 1 &&
      kept < limits.stretches / 2 &&
      (kept === 0 || samples < limits.samples / 2)
    ) {
      samples += held[kept]!.columns.times.length;
      kept++;
    }
    end = held[kept]!.columns.times[0]!;
    held = held.slice(0, kept);
    horizon = Math.max(end, reachOfAll(held));
    apart = apart.flatMap((block) => startingBefore(block, horizon));
    cover = coverWithin(cover, Number.NEGATIVE_INFINITY, horizon);
  }

  return {
    add(blocks) {
      const few = samplesOf(held) + samplesOf(blocks) <= limits.stretches;
      for (const some of few ? [blocks] : blocks.map((block) => [block])) {
        addTogether(some.flatMap((block) => reachingInto(block, interval.from, horizon)));
        const covered = cover.starts.length > 2 * limits.samples;
        const most = covered || held.length > limits.stretches || samplesOf(held) > limits.samples;
        if (most && held.length > 1) letGo();
      }
    },
    settled(next) {
      return held.reduce((settled, { columns }) => {
        if (reachOf(columns) <= next) return settled;
        return Math.min(settled, columns.times[firstEndingAfter(columns, next)]!);
      }, next);
    },
    take(to) {
      const taken: CommittedSamples[] = [];
      const kept: CommittedSamples[] = [];
      for (const block of held) {
        const before = sliceSamples(block, Number.NEGATIVE_INFINITY, to);
        if (before.columns.times.length > 0) taken.push(before);
        if (block.columns.times.at(-1)! >= to) kept.push(sliceSamples(block, to, Number.POSITIVE_INFINITY));
      }
      held = kept;
      apart = apart.filter(({ columns }) => reachOf(columns) > to);
      cover = coverWithin(cover, to, Number.POSITIVE_INFINITY);
      return joinRuns(taken);
    },
    get end() {
      return end;
    },
    get reach() {
      return reachOfAll(held);
    },
    get held() {
      return samplesOf(held);
    },
  };
}

function samplesOf(blocks: readonly CommittedSamples[]): number {
  return blocks.reduce((sum, { columns }) => sum + columns.times.length, 0);
}

function reachOfAll(blocks: readonly CommittedSamples[]): number {
  return blocks.reduce((most, { columns }) => Math.max(most, reachOf(columns)), Number.NEGATIVE_INFINITY);
}

/** Blocks that reach into each other, from one to the next. */
interface Cluster {
  readonly members: CommittedSamples[];
  readonly from: number;
  reach: number;
}

function clustersOf(blocks: readonly CommittedSamples[]): Cluster[] {
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

function touches({ columns }: CommittedSamples, from: number, reach: number): boolean {
  return columns.times[0]! < reach && reachOf(columns) > from;
}

function ranksOf({ rank, each }: Pick<CommittedSamples, "rank" | "each">, { times }: Columns): Ranks {
  return each?.ranks().subarray(each.offset, each.offset + times.length) ?? rank;
}

function shownOf(block: CommittedSamples, cover: Cover): CommittedSamples[] {
  const { columns } = block;
  return shownWithin(columns, ranksOf(block, columns), cover).map(([from, to]) => partOf(block, from, to));
}

/** The first that ends after `limit`; there is one. */
function firstEndingAfter(columns: Columns, limit: number): number {
  const { times, durationMs } = columns;
  if (typeof durationMs === "number") return firstAtOrAfter(times, limit - Math.max(1, durationMs) + 1);
  let at = 0;
  while (endOfSample(columns, at) <= limit) at++;
  return at;
}

/** What of the samples starts in `[from, to)`, as a view. */
export function sliceSamples(block: CommittedSamples, from: number, to: number): CommittedSamples {
  const { times } = block.columns;
  const start = firstAtOrAfter(times, from);
  return partOf(block, start, Math.max(start, firstAtOrAfter(times, to)));
}

function partOf(block: CommittedSamples, start: number, end: number): CommittedSamples {
  const { columns, each } = block;
  if (start === 0 && end === columns.times.length) return block;
  const part = { ...block, columns: viewOf(columns, start, end) };
  if (each === undefined || start === end) return part;
  const offset = each.offset + start;
  const ranks = each.ranks().subarray(offset, each.offset + end);
  return { ...part, each: { ...each, offset }, rank: ranks.reduce((a, b) => Math.max(a, b)) };
}

/** What of the block may be shown from `from` on, or hide something before `horizon`. */
function reachingInto(block: CommittedSamples, from: number, horizon: number): CommittedSamples[] {
  const { columns } = block;
  if (columns.times.length === 0 || reachOf(columns) <= from) return [];
  const reaching = partOf(block, firstEndingAfter(columns, from), columns.times.length);
  return startingBefore(reaching, horizon);
}

/** What of the block starts before `end`, in memory of its own: a view would hold on to all of the block. */
function startingBefore(block: CommittedSamples, end: number): CommittedSamples[] {
  if (block.columns.times.at(-1)! < end) return [block];
  const view = sliceSamples(block, Number.NEGATIVE_INFINITY, end);
  const { columns } = view;
  if (columns.times.length === 0) return [];
  return [{ ...view, columns: concatColumns([columns, viewOf(columns, 0, 0)]) }]; // copies, for there are two
}

/** Ascending neighbours of one source and format become one. */
function joinRuns(pieces: readonly CommittedSamples[]): Run[] {
  const runs: { pieces: CommittedSamples[]; key: string }[] = [];
  for (const piece of pieces) {
    const key = sourceKey(piece.source);
    const last = runs.at(-1);
    const joins = last?.key === key && sameFormat(last.pieces[0]!.columns, piece.columns);
    if (last !== undefined && joins && piece.columns.values.kind !== "coded") last.pieces.push(piece);
    else runs.push({ pieces: [piece], key });
  }
  return runs.map(({ pieces: parts }) => ({
    source: parts[0]!.source,
    columns: parts.length === 1 ? parts[0]!.columns : concatColumns(parts.map(({ columns }) => columns)),
    sequence: sequenceOf(parts.reduce((highest, { rank }) => Math.max(highest, rank), 0)),
    ranks: () => ranksOfAll(parts),
  }));
}

function ranksOfAll(pieces: readonly CommittedSamples[]): Float64Array {
  const all = new Float64Array(samplesOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    const count = piece.columns.times.length;
    const ranks = ranksOf(piece, piece.columns);
    if (typeof ranks === "number") all.fill(ranks, at, at + count);
    else all.set(ranks, at);
    at += count;
  }
  return all;
}
