import type { Columns } from "./columns.ts";
import type { CommittedBlock } from "./overlay.ts";
import { appendColumns, pickColumns } from "./slice.ts";

/** Samples with ascending times, and where each came from: its position among all samples of the blocks in a row. */
export interface Layer {
  readonly columns: Columns;
  readonly origins: Uint32Array;
}

/**
 * All samples of a stretch of time. The first layer has the winner of each instant, and so every instant; the next
 * has what wins where the winner is taken away, and so on.
 */
export type Stack = readonly Layer[];

export interface StackLimits {
  /** Samples of a stack, losers counted; a stack may have half as many more, so that none is left small. */
  readonly samples: number;
  /** Most milliseconds from a stack's first instant to its last. */
  readonly spanMs: number;
}

/**
 * Merges blocks of one format, whether they overlap or not, into as few stacks as the limits allow, ascending by
 * time and apart from each other. Nothing is lost but what can never win: of the samples of one instant and one
 * sequence only that of the later block is kept.
 *
 * @throws SeriesError as `concatColumns`, but for the order of times
 */
export function stackBlocks(blocks: readonly CommittedBlock[], limits: StackLimits): Stack[] {
  const parts = blocks.filter(({ columns }) => columns.times.length > 0);
  if (parts.length === 0) return [];
  const all = appendColumns(parts.map(({ columns }) => columns));
  const sequences = sequencesOf(parts, all.times.length);
  const order = sorted(all.times, sequences);
  const stacks: Stack[] = [];
  for (let from = 0; from < order.length; ) {
    const to = endOf(all.times, order, from, limits);
    stacks.push(layersOf(all, order.subarray(from, to)));
    from = to;
  }
  return stacks;
}

function sequencesOf(parts: readonly CommittedBlock[], count: number): Float64Array {
  const sequences = new Float64Array(count);
  let at = 0;
  for (const { columns, sequence } of parts) {
    const end = at + columns.times.length;
    if (typeof sequence === "number") sequences.fill(sequence, at, end);
    else sequences.set(sequence, at);
    at = end;
  }
  return sequences;
}

/** Positions by time, those of one instant by falling rank, without what can never win. */
function sorted(times: Float64Array, sequences: Float64Array): Uint32Array {
  const order = Uint32Array.from(times, (_, i) => i);
  if (isAscending(times)) return order;
  order.sort((a, b) => times[a]! - times[b]! || sequences[b]! - sequences[a]! || b - a);
  let kept = 0;
  for (const at of order) {
    const before = order[kept - 1];
    const beaten = before !== undefined && times[before] === times[at] && sequences[before] === sequences[at];
    if (!beaten) order[kept++] = at;
  }
  return order.subarray(0, kept);
}

function isAscending(times: Float64Array): boolean {
  for (let i = 1; i < times.length; i++) if (!(times[i]! > times[i - 1]!)) return false;
  return true;
}

/** Where the stack that starts at `from` ends; never within an instant. */
function endOf(
  times: Float64Array,
  order: Uint32Array,
  from: number,
  { samples, spanMs }: StackLimits,
): number {
  const timeAt = (i: number) => times[order[i]!]!;
  const last = timeAt(from) + spanMs;
  const most = order.length - from <= samples * 1.5 ? order.length : from + samples;
  let end = from + 1;
  while (end < order.length && timeAt(end) <= last && (end < most || timeAt(end) === timeAt(end - 1))) end++;
  return end;
}

function layersOf(all: Columns, order: Uint32Array): Stack {
  const layers: number[][] = [];
  let rank = 0;
  order.forEach((at, i) => {
    rank = i > 0 && all.times[order[i - 1]!] === all.times[at] ? rank + 1 : 0;
    const layer = layers[rank];
    if (layer === undefined) layers.push([at]);
    else layer.push(at);
  });
  return layers.map((positions) => {
    const origins = Uint32Array.from(positions);
    return { columns: pickColumns(all, origins), origins };
  });
}
