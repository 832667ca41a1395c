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

/** Shown samples, all from one source and of one format. */
export interface Run {
  readonly source: Source;
  readonly columns: Columns;
  /** Highest commit sequence among the batches that the samples come from. */
  readonly sequence: number;
  /** The rank of each sample; computed at the first call. Absent where nobody needs it. */
  readonly ranks?: () => Float64Array;
}

/**
 * Computes the shown samples of a series while its blocks come in by their first sample. A later sample that overlaps
 * a sample hides it, whether the later one is hidden itself or not. It holds the shown samples of the stretch that
 * later blocks may still reach. Of hidden samples it holds only what they cover, however often the same hours were
 * sent.
 */
export interface Winners {
  /**
   * Blocks may come in any order of rank, but none may start before an earlier `take` ended. If more comes together
   * than may be held, the later part is dropped and must be read again: see `end`.
   */
  add(blocks: readonly CommittedSamples[]): void;
  /** Up to where the shown samples are final, if no later block starts before `next`. */
  settled(next: number): number;
  /** Returns the shown samples before `to`, and drops them. */
  take(to: number): Run[];
  /** Samples that start here or later are not held, whatever was added: at most the end of the interval. */
  readonly end: number;
  /** Where the last held sample ends: a block that starts before may hide it. */
  readonly reach: number;
  /** Samples held. */
  readonly held: number;
}

export interface WinnersLimits {
  /** More than a block has. */
  readonly samples: number;
  /**
   * Stretches of one block each: where blocks interleave, every sample is one stretch, and costs many times its own
   * size.
   */
  readonly stretches: number;
}

export const usualLimits: WinnersLimits = { samples: 500_000, stretches: 50_000 };

/** Holds samples that start within `interval`; samples outside may hide them. */
export function createWinners(interval: Interval, limits = usualLimits): Winners {
  return new HeldWinners(interval, limits);
}

class HeldWinners implements Winners {
  readonly #from: number;
  readonly #limits: WinnersLimits;
  /** Blocks, and stretches of them, into which no other block reaches: their cover is not needed yet. */
  #apart: CommittedSamples[] = [];
  /** The shown samples of all other blocks, ascending, and the cover of all their samples, hidden or not. */
  #shown: CommittedSamples[] = [];
  #cover: Cover = nothingCovered;
  /** Samples that start before this were returned. */
  #done: number;
  #end: number;
  /** Samples that start here or later can hide none of the held ones. */
  #horizon = Number.POSITIVE_INFINITY;

  constructor({ from, to }: Interval, limits: WinnersLimits) {
    this.#from = from;
    this.#done = from;
    this.#end = to;
    this.#limits = limits;
  }

  get end(): number {
    return this.#end;
  }

  get reach(): number {
    return reachOfAll(this.#all());
  }

  get held(): number {
    return samplesOf(this.#all());
  }

  add(blocks: readonly CommittedSamples[]): void {
    const { samples, stretches } = this.#limits;
    const few = samplesOf(this.#all()) + samplesOf(blocks) <= stretches;
    for (const some of few ? [blocks] : blocks.map((block) => [block])) {
      this.#addTogether(some.flatMap((block) => reachingInto(block, this.#from, this.#horizon)));
      this.#stayWithinHorizon();
      const all = this.#all();
      const covered = this.#cover.starts.length > 2 * samples;
      const most = covered || all.length > stretches || samplesOf(all) > samples;
      if (most && all.length > 1) this.#letGo(all);
    }
  }

  settled(next: number): number {
    return this.#all().reduce((settled, { columns }) => {
      if (reachOf(columns) <= next) return settled;
      return Math.min(settled, columns.times[firstEndingAfter(columns, next)]!);
    }, next);
  }

  take(to: number): Run[] {
    const taken = this.#all()
      .map((block) => sliceSamples(block, this.#done, to))
      .filter(({ columns }) => columns.times.length > 0);
    this.#done = to;
    this.#shown = this.#shown.filter(({ columns }) => columns.times.at(-1)! >= to);
    this.#apart = this.#apart.filter(({ columns }) => reachOf(columns) > to);
    this.#cover = coverWithin(this.#cover, to, Number.POSITIVE_INFINITY);
    return joinRuns(taken);
  }

  /** All shown samples, ascending. No two runs interleave. */
  #all(): CommittedSamples[] {
    return [...this.#shown, ...this.#apart.filter(({ hidden }) => !hidden)]
      .map((block) => sliceSamples(block, this.#done, this.#end))
      .filter(({ columns }) => columns.times.length > 0)
      .sort((a, b) => a.columns.times[0]! - b.columns.times[0]!);
  }

  #addTogether(blocks: readonly CommittedSamples[]): void {
    const fresh = new Set(blocks);
    const clusters = clustersOf([...this.#apart, ...blocks]);
    this.#apart = [];
    for (const { members, from, reach } of clusters) {
      const touched = members.some((block) => fresh.has(block)) && this.#isTouched(from, reach);
      const folded: CommittedSamples[] = [];
      for (const block of members) {
        const parts = touched ? { apart: [], contested: [block] } : partsOf(block, members);
        this.#apart.push(...parts.apart);
        folded.push(...parts.contested);
      }
      if (folded.length > 0) this.#fold(folded, from, reach);
    }
  }

  /** Adds the shown samples of these blocks, and of the blocks that they touch. */
  #fold(folded: readonly CommittedSamples[], from: number, reach: number): void {
    const cover = mergeCovers([this.#cover, mergeCovers(folded.map(coverOfBlock))]);
    const shown = this.#shown;
    this.#cover = cover;
    this.#shown = [...shown.filter((piece) => touches(piece, from, reach)), ...folded]
      .filter(({ hidden }) => !hidden)
      .flatMap((piece) => shownOf(piece, cover))
      .concat(shown.filter((piece) => !touches(piece, from, reach)));
  }

  #isTouched(from: number, reach: number): boolean {
    const covered = coverWithin(this.#cover, from, reach).starts.length > 0;
    return covered || this.#shown.some((piece) => touches(piece, from, reach));
  }

  /**
   * The samples that may hide a sample beyond the horizon are not held: that sample is dropped, with all later ones.
   */
  #stayWithinHorizon(): void {
    const horizon = this.#horizon;
    if (horizon === Number.POSITIVE_INFINITY) return;
    const beyond = this.#all().find(({ columns }) => reachOf(columns) > horizon)?.columns;
    if (beyond === undefined) return;
    const end = beyond.times[firstEndingAfter(beyond, horizon)]!;
    this.#end = end;
    this.#shown = this.#shown.filter(({ columns }) => columns.times[0]! < end);
  }

  /** Keeps about half of the limit, and never all: the last stretch alone may be more than half. */
  #letGo(all: readonly CommittedSamples[]): void {
    const { samples: mostSamples, stretches } = this.#limits;
    let samples = 0;
    let kept = 0;
    while (kept < all.length - 1 && kept < stretches / 2 && (kept === 0 || samples < mostSamples / 2)) {
      samples += all[kept]!.columns.times.length;
      kept++;
    }
    const end = all[kept]!.columns.times[0]!;
    const horizon = Math.max(end, reachOfAll(all.slice(0, kept)));
    this.#end = end;
    this.#horizon = horizon;
    this.#shown = this.#shown.filter(({ columns }) => columns.times[0]! < end);
    this.#apart = this.#apart.flatMap((block) => startingBefore(block, horizon));
    this.#cover = coverWithin(this.#cover, Number.NEGATIVE_INFINITY, horizon);
  }
}

/** Merges ascending neighbours of one source and format. */
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
