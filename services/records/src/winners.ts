import { type Columns, concatColumns, overlay, sameFormat, sliceColumns } from "@wellapi/series";
import type { Interval } from "./interval.ts";
import { type Provenance, type ProvenBlock, sourceKey } from "./provenance.ts";

/** An opened block with the sequence of its commit. */
export interface CommittedSamples extends ProvenBlock {
  readonly sequence: number;
}

/** Samples that won their instants, all from one source and of one format. */
export interface Run {
  readonly provenance: Provenance;
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
        const { columns } = block;
        const within = sliceColumns(columns, from, to);
        if (within.times.length > 0) taken.push({ ...block, columns: within });
        if (columns.times.at(-1)! >= to) {
          kept.push({ ...block, columns: sliceColumns(columns, to, Number.POSITIVE_INFINITY) });
        }
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

/** What of the block starts before `end`, in memory of its own: a view would hold on to all of the block. */
function startingBefore(block: CommittedSamples, end: number): CommittedSamples[] {
  if (block.columns.times.at(-1)! < end) return [block];
  const view = sliceColumns(block.columns, Number.NEGATIVE_INFINITY, end);
  if (view.times.length === 0) return [];
  const columns = concatColumns([view, sliceColumns(view, end, end)]); // copies, for there are two
  return [{ ...block, columns }];
}

/**
 * `overlay` joins what has one format and does not say which block a sample came from. So for its eyes the
 * unit of each block is its position here: blocks then never join, and each result tells its block.
 */
function merge(blocks: readonly CommittedSamples[]): CommittedSamples[] {
  const tagged = blocks.map(({ columns, sequence }, position) => ({
    columns: { ...columns, unit: String(position) },
    sequence,
  }));
  return overlay(tagged).map((columns) => {
    const block = blocks[Number(columns.unit)]!;
    return { ...block, columns: { ...columns, unit: block.columns.unit } };
  });
}

/** Ascending neighbours of one source and format become one. */
function joinRuns(pieces: readonly CommittedSamples[]): Run[] {
  const runs: { pieces: CommittedSamples[]; key: string }[] = [];
  for (const piece of pieces) {
    const key = sourceKey(piece.provenance);
    const last = runs.at(-1);
    const joins = last?.key === key && sameFormat(last.pieces[0]!.columns, piece.columns);
    if (last !== undefined && joins && piece.columns.values.kind !== "coded") last.pieces.push(piece);
    else runs.push({ pieces: [piece], key });
  }
  return runs.map(({ pieces: parts }) => ({
    provenance: parts[0]!.provenance,
    columns: parts.length === 1 ? parts[0]!.columns : concatColumns(parts.map(({ columns }) => columns)),
    sequence: parts.reduce((highest, { sequence }) => Math.max(highest, sequence), 0),
  }));
}
