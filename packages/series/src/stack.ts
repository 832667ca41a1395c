import type { Columns } from "./columns.ts";
import { coverOf, endOfSample, mergeCovers, type Ranks, shownWithin } from "./cover.ts";
import { appendColumns, pickColumns } from "./slice.ts";

/** A block of a series with the rank of its samples, or of each of them. */
export interface RankedBlock {
  readonly columns: Columns;
  readonly ranks: Ranks;
}

/** Samples with ascending times, each with its origin: its position in the concatenation of all blocks. */
export interface Layer {
  readonly columns: Columns;
  readonly origins: Uint32Array;
}

/**
 * All samples of a stretch of time. The first layer holds the samples that no later sample of the stretch hides. The
 * other layers hold the hidden ones: they hide still earlier samples, and show again when the samples above them are
 * removed.
 */
export type Stack = readonly Layer[];

export interface StackLimits {
  /**
   * Most samples of a stack, hidden ones included. A stack may hold half as many more, so that no small one is left
   * over.
   */
  readonly samples: number;
  /** Most milliseconds from a stack's first instant to its last. */
  readonly spanMs: number;
  /** Most milliseconds from a stack's first instant to the end of any sample; a lone sample may have more. */
  readonly reachMs: number;
}

/**
 * Merges blocks of one format, whether they overlap or not, into as few stacks as the limits allow, ascending by
 * time. Nothing is lost.
 *
 * @throws SeriesError as `concatColumns`, but for the order of times
 */
export function stackBlocks(blocks: readonly RankedBlock[], limits: StackLimits): Stack[] {
  const parts = blocks.filter(({ columns }) => columns.times.length > 0);
  if (parts.length === 0) return [];
  const all = appendColumns(parts.map(({ columns }) => columns));
  const ranks = ranksOf(parts, all.times.length);
  const order = sorted(all.times, ranks);
  const stacks: Stack[] = [];
  for (let from = 0; from < order.length; ) {
    const to = endOf(all, order, from, limits);
    stacks.push(layersOf(all, ranks, order.subarray(from, to)));
    from = to;
  }
  return stacks;
}

function ranksOf(parts: readonly RankedBlock[], count: number): Float64Array {
  const all = new Float64Array(count);
  let at = 0;
  for (const { columns, ranks } of parts) {
    const end = at + columns.times.length;
    if (typeof ranks === "number") all.fill(ranks, at, end);
    else all.set(ranks, at);
    at = end;
  }
  return all;
}

/** Positions by time, those of one instant by falling rank. */
function sorted(times: Float64Array, ranks: Float64Array): Uint32Array {
  const order = Uint32Array.from(times, (_, i) => i);
  if (isAscending(times)) return order;
  return order.sort((a, b) => times[a]! - times[b]! || ranks[b]! - ranks[a]!);
}

function isAscending(times: Float64Array): boolean {
  for (let i = 1; i < times.length; i++) if (!(times[i]! > times[i - 1]!)) return false;
  return true;
}

/** Where the stack that starts at `from` ends. */
function endOf(all: Columns, order: Uint32Array, from: number, limits: StackLimits): number {
  const timeAt = (i: number) => all.times[order[i]!]!;
  const last = timeAt(from) + limits.spanMs;
  const reach = timeAt(from) + limits.reachMs;
  const most = order.length - from <= limits.samples * 1.5 ? order.length : from + limits.samples;
  let end = from + 1;
  while (
    end < order.length &&
    timeAt(end) <= last &&
    endOfSample(all, order[end]!) <= reach &&
    (end < most || timeAt(end) === timeAt(end - 1))
  ) {
    end++;
  }
  return end;
}

/** Of samples by time, those of one instant by falling rank. */
function layersOf(all: Columns, ranks: Float64Array, order: Uint32Array): Stack {
  const layers = byRankInInstant(all, order).map((positions) => ({
    positions,
    columns: pickColumns(all, positions),
    ranks: Float64Array.from(positions, (at) => ranks[at]!),
  }));
  const cover = mergeCovers(layers.map((layer) => coverOf(layer.columns, layer.ranks)));
  // Of one instant only the latest can be shown.
  const first = layers[0]!;
  const stretches = shownWithin(first.columns, first.ranks, cover);
  const count = stretches.reduce((sum, [from, to]) => sum + to - from, 0);
  if (count === first.positions.length)
    return layers.map(({ columns, positions }) => ({ columns, origins: positions }));
  const shown = new Set(stretches.flatMap(([from, to]) => [...first.positions.subarray(from, to)]));
  const hidden = order.filter((at) => !shown.has(at));
  return [order.filter((at) => shown.has(at)), ...byRankInInstant(all, hidden)].map((origins) => ({
    columns: pickColumns(all, origins),
    origins,
  }));
}

/** The latest of each instant, then the next of each, and so on. */
function byRankInInstant(all: Columns, order: Uint32Array): Uint32Array[] {
  const layers: number[][] = [];
  let depth = 0;
  order.forEach((at, i) => {
    depth = i > 0 && all.times[order[i - 1]!] === all.times[at] ? depth + 1 : 0;
    const layer = layers[depth];
    if (layer === undefined) layers.push([at]);
    else layer.push(at);
  });
  return layers.map((positions) => Uint32Array.from(positions));
}
