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
  /** Blocks may come in any order of sequence, but none may start before an earlier `take`. */
  add(blocks: readonly CommittedSamples[]): void;
  /** Hands out the winners within `interval`, and lets go of everything before its end. */
  take(interval: Interval): Run[];
  /** Samples held. */
  readonly held: number;
}

export function createWinners(): Winners {
  let held: CommittedSamples[] = [];

  return {
    add(blocks) {
      held = merge([...held, ...blocks]);
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
    get held() {
      return held.reduce((sum, { columns }) => sum + columns.times.length, 0);
    },
  };
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
