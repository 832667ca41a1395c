import {
  type Columns,
  type Cover,
  concatColumns,
  coverWithin,
  mergeCovers,
  nothingCovered,
  reachOf,
  sameFormat,
} from "@wellapi/series";
import type { Interval } from "../model/interval.ts";
import { type Source, sourceKey } from "../model/provenance.ts";
import { sequenceOf } from "../model/rank.ts";
import {
  type CommittedSamples,
  clustersOf,
  coverOfBlock,
  firstEndingAfter,
  highestRank,
  partsOf,
  ranksOf,
  reachingInto,
  reachOfAll,
  samplesOf,
  shownOf,
  sliceSamples,
  startingBefore,
  touches,
} from "./committed-samples.ts";

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
  /** Blocks, and stretches of them, into which no other reaches: nobody needs to know yet what they cover. */
  let apart: CommittedSamples[] = [];
  /** What is shown of all others, ascending, and what they cover, hidden or not. */
  let shown: CommittedSamples[] = [];
  let cover: Cover = nothingCovered;
  /** What starts before was handed out. */
  let done = interval.from;
  let end = interval.to;
  /** What starts here or later can hide nothing that is held. */
  let horizon = Number.POSITIVE_INFINITY;

  /** Ascending. No two interleave. */
  function held(): CommittedSamples[] {
    return [...shown, ...apart.filter(({ hidden }) => !hidden)]
      .map((block) => sliceSamples(block, done, end))
      .filter(({ columns }) => columns.times.length > 0)
      .sort((a, b) => a.columns.times[0]! - b.columns.times[0]!);
  }

  function addTogether(blocks: readonly CommittedSamples[]): void {
    const fresh = new Set(blocks);
    const clusters = clustersOf([...apart, ...blocks]);
    apart = [];
    for (const { members, from, reach } of clusters) {
      const touched = members.some((block) => fresh.has(block)) && isTouched(from, reach);
      const folded: CommittedSamples[] = [];
      for (const block of members) {
        const parts = touched ? { apart: [], contested: [block] } : partsOf(block, members);
        apart.push(...parts.apart);
        folded.push(...parts.contested);
      }
      if (folded.length === 0) continue;
      cover = mergeCovers([cover, mergeCovers(folded.map(coverOfBlock))]);
      shown = [...shown.filter((piece) => touches(piece, from, reach)), ...folded]
        .filter(({ hidden }) => !hidden)
        .flatMap((piece) => shownOf(piece, cover))
        .concat(shown.filter((piece) => !touches(piece, from, reach)));
    }
  }

  function isTouched(from: number, reach: number): boolean {
    const covered = coverWithin(cover, from, reach).starts.length > 0;
    return covered || shown.some((piece) => touches(piece, from, reach));
  }

  /** What hides a sample that reaches beyond the horizon is not held: it is let go, with all that comes after it. */
  function withinHorizon(): void {
    if (horizon === Number.POSITIVE_INFINITY) return;
    const beyond = held().find(({ columns }) => reachOf(columns) > horizon)?.columns;
    if (beyond === undefined) return;
    end = beyond.times[firstEndingAfter(beyond, horizon)]!;
    shown = shown.filter(({ columns }) => columns.times[0]! < end);
  }

  /** Keeps about half of what may be held, and never all: the last stretch alone may be more than half. */
  function letGo(all: readonly CommittedSamples[]): void {
    let samples = 0;
    let kept = 0;
    while (
      kept < all.length - 1 &&
      kept < limits.stretches / 2 &&
      (kept === 0 || samples < limits.samples / 2)
    ) {
      samples += all[kept]!.columns.times.length;
      kept++;
    }
    end = all[kept]!.columns.times[0]!;
    horizon = Math.max(end, reachOfAll(all.slice(0, kept)));
    shown = shown.filter(({ columns }) => columns.times[0]! < end);
    apart = apart.flatMap((block) => startingBefore(block, horizon));
    cover = coverWithin(cover, Number.NEGATIVE_INFINITY, horizon);
  }

  return {
    add(blocks) {
      const few = samplesOf(held()) + samplesOf(blocks) <= limits.stretches;
      for (const some of few ? [blocks] : blocks.map((block) => [block])) {
        addTogether(some.flatMap((block) => reachingInto(block, interval.from, horizon)));
        withinHorizon();
        const all = held();
        const covered = cover.starts.length > 2 * limits.samples;
        const most = covered || all.length > limits.stretches || samplesOf(all) > limits.samples;
        if (most && all.length > 1) letGo(all);
      }
    },
    settled(next) {
      return held().reduce((settled, { columns }) => {
        if (reachOf(columns) <= next) return settled;
        return Math.min(settled, columns.times[firstEndingAfter(columns, next)]!);
      }, next);
    },
    take(to) {
      const taken = held()
        .map((block) => sliceSamples(block, done, to))
        .filter(({ columns }) => columns.times.length > 0);
      done = to;
      shown = shown.filter(({ columns }) => columns.times.at(-1)! >= to);
      apart = apart.filter(({ columns }) => reachOf(columns) > to);
      cover = coverWithin(cover, to, Number.POSITIVE_INFINITY);
      return joinRuns(taken);
    },
    get end() {
      return end;
    },
    get reach() {
      return reachOfAll(held());
    },
    get held() {
      return samplesOf(held());
    },
  };
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
    sequence: sequenceOf(parts.reduce((highest, part) => Math.max(highest, highestRank(part)), 0)),
    ranks: () => ranksOfAll(parts),
  }));
}

function ranksOfAll(pieces: readonly CommittedSamples[]): Float64Array {
  const all = new Float64Array(samplesOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    const count = piece.columns.times.length;
    const ranks = ranksOf(piece);
    if (typeof ranks === "number") all.fill(ranks, at, at + count);
    else all.set(ranks, at);
    at += count;
  }
  return all;
}
