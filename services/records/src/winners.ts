import { type Columns, concatColumns, firstAtOrAfter, overlay, sameFormat, viewOf } from "@wellapi/series";
import type { Interval } from "./interval.ts";
import { type Source, sourceKey } from "./provenance.ts";

/** Samples of an opened block, or of a part of it. */
export interface CommittedSamples {
  readonly source: Source;
  readonly columns: Columns;
  /** Of their commit; the highest where they are of several. */
  readonly sequence: number;
  /** Where they are of several: the sequence of each sample of the block, of which they are those from `offset` on. */
  readonly each?: { readonly sequences: () => Float64Array; readonly offset: number };
}

/** Samples that won their instants, all from one source and of one format. */
export interface Run {
  readonly source: Source;
  readonly columns: Columns;
  /** Highest commit sequence among the batches that the samples come from. */
  readonly sequence: number;
}

/**
 * The overlap rule while blocks of one series come in by their first sample: for each instant the sample with
 * the highest commit sequence wins. Holds the winners of the stretch that later blocks may still reach, and
 * nothing that lost, however often the same hours were sent.
 */
export interface Winners {
  /**
   * Blocks may come in any order of sequence, but none may start before an earlier `take`. Where more comes
   * together than may be held, the later part is let go and has to be read again: see `end`.
   */
  add(blocks: readonly CommittedSamples[]): void;
  /** Hands out the winners within `interval`, and lets go of everything before its end. */
  take(interval: Interval): Run[];
  /** What starts here or later is not held, whatever was added; infinite while nothing was let go. */
  readonly end: number;
  /** Samples held. */
  readonly held: number;
}

export interface WinnersLimits {
  /** More than a block has. */
  readonly samples: number;
  /** Stretches of one block each: where blocks interleave, every sample is one, and costs many times its own size. */
  readonly stretches: number;
}

const usualLimits: WinnersLimits = { samples: 500_000, stretches: 50_000 };

export function createWinners(limits = usualLimits): Winners {
  let held: CommittedSamples[] = [];
  let end = Number.POSITIVE_INFINITY;

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
  }

  return {
    add(blocks) {
      const few = samplesOf(held) + samplesOf(blocks) <= limits.stretches;
      for (const some of few ? [blocks] : blocks.map((block) => [block])) {
        held = merge([...held, ...some.flatMap((block) => startingBefore(block, end))]);
        const most = held.length > limits.stretches || samplesOf(held) > limits.samples;
        if (most && held.length > 1) letGo();
      }
    },
    take({ from, to }) {
      const taken: CommittedSamples[] = [];
      const kept: CommittedSamples[] = [];
      for (const block of held) {
        const within = sliceSamples(block, from, to);
        if (within.columns.times.length > 0) taken.push(within);
        if (block.columns.times.at(-1)! >= to) kept.push(sliceSamples(block, to, Number.POSITIVE_INFINITY));
      }
      held = kept;
      return joinRuns(taken);
    },
    get end() {
      return end;
    },
    get held() {
      return samplesOf(held);
    },
  };
}

function samplesOf(blocks: readonly CommittedSamples[]): number {
  return blocks.reduce((sum, { columns }) => sum + columns.times.length, 0);
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
  const sequences = each.sequences().subarray(offset, each.offset + end);
  return { ...part, each: { ...each, offset }, sequence: sequences.reduce((a, b) => Math.max(a, b)) };
}

/** What of the block starts before `end`, in memory of its own: a view would hold on to all of the block. */
function startingBefore(block: CommittedSamples, end: number): CommittedSamples[] {
  if (block.columns.times.at(-1)! < end) return [block];
  const view = sliceSamples(block, Number.NEGATIVE_INFINITY, end);
  const { columns } = view;
  if (columns.times.length === 0) return [];
  return [{ ...view, columns: concatColumns([columns, viewOf(columns, 0, 0)]) }]; // copies, for there are two
}

function merge(blocks: readonly CommittedSamples[]): CommittedSamples[] {
  const sorted = blocks.toSorted((a, b) => a.columns.times[0]! - b.columns.times[0]!);
  return overlap(sorted) ? mergeOverlapping(blocks) : sorted;
}

function overlap(sorted: readonly CommittedSamples[]): boolean {
  return sorted.some(({ columns }, i) => i > 0 && columns.times[0]! <= sorted[i - 1]!.columns.times.at(-1)!);
}

/**
 * `overlay` joins what has one format and does not say which block a sample came from. So for its eyes the
 * unit of each block is its position here: blocks then never join, and each result tells its block, of which it is
 * one stretch.
 */
function mergeOverlapping(blocks: readonly CommittedSamples[]): CommittedSamples[] {
  const tagged = blocks.map(({ columns, sequence, each }, position) => ({
    columns: { ...columns, unit: String(position) },
    sequence: each?.sequences().subarray(each.offset, each.offset + columns.times.length) ?? sequence,
  }));
  return overlay(tagged).map(({ unit, times }) => {
    const block = blocks[Number(unit)]!;
    const start = firstAtOrAfter(block.columns.times, times[0]!);
    return partOf(block, start, start + times.length);
  });
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
    sequence: parts.reduce((highest, { sequence }) => Math.max(highest, sequence), 0),
  }));
}
