import type { Columns } from "./columns.ts";

/**
 * The latest sample at each moment that samples cover: steps `[starts[i], ends[i])`, UTC milliseconds, ascending and
 * apart from each other, each with the highest rank of the samples that cover it. Steps that touch have different ranks.
 */
export interface Cover {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly ranks: Float64Array;
}

/** Which of two samples is later: all of one item have one rank, and no two items the same. */
export type Ranks = number | Float64Array;

export const nothingCovered: Cover = {
  starts: new Float64Array(0),
  ends: new Float64Array(0),
  ranks: new Float64Array(0),
};

/** The first millisecond after a sample. An instant is the millisecond that it begins. */
export function endOfSample({ times, durationMs }: Columns, at: number): number {
  return times[at]! + Math.max(1, typeof durationMs === "number" ? durationMs : durationMs[at]!);
}

/** The first millisecond after all samples; −∞ without samples. */
export function reachOf(columns: Columns): number {
  const { times, durationMs } = columns;
  const count = times.length;
  if (count === 0) return Number.NEGATIVE_INFINITY;
  if (typeof durationMs === "number") return endOfSample(columns, count - 1);
  let reach = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) reach = Math.max(reach, endOfSample(columns, i));
  return reach;
}

/** What the samples cover; O(n), and O(n log n) where samples of several ranks overlap. */
export function coverOf(columns: Columns, ranks: Ranks): Cover {
  return coverRange(columns, ranks, 0, columns.times.length);
}

function coverRange(columns: Columns, ranks: Ranks, from: number, to: number): Cover {
  const cover = coverPlain(columns, ranks, from, to);
  if (cover !== undefined) return cover;
  const middle = (from + to) >>> 1;
  return mergeTwo(coverRange(columns, ranks, from, middle), coverRange(columns, ranks, middle, to));
}

/** Undefined where samples of several ranks overlap. */
function coverPlain({ times, durationMs }: Columns, of: Ranks, from: number, to: number): Cover | undefined {
  const steps = createSteps(to - from);
  const { starts, ends, ranks } = steps;
  let count = 0;
  for (let i = from; i < to; i++) {
    const start = times[i]!;
    const end = start + Math.max(1, typeof durationMs === "number" ? durationMs : durationMs[i]!);
    const rank = typeof of === "number" ? of : of[i]!;
    if (count > 0 && start <= ends[count - 1]!) {
      if (ranks[count - 1] === rank) {
        if (end > ends[count - 1]!) ends[count - 1] = end;
        continue;
      }
      if (start < ends[count - 1]!) return undefined;
    }
    starts[count] = start;
    ends[count] = end;
    ranks[count] = rank;
    count++;
  }
  return trimmed(steps, count);
}

/** What any of the covers covers; O(n log k). */
export function mergeCovers(covers: readonly Cover[]): Cover {
  const [first = nothingCovered, second] = covers;
  if (second === undefined) return first;
  if (covers.length === 2) return mergeTwo(first, second);
  const middle = covers.length >>> 1;
  return mergeTwo(mergeCovers(covers.slice(0, middle)), mergeCovers(covers.slice(middle)));
}

/** A cover during a walk: `at` is the current step, with what is left of it. */
interface Walk {
  readonly cover: Cover;
  at: number;
  start: number;
}

function mergeTwo(a: Cover, b: Cover): Cover {
  if (a.starts.length === 0) return b;
  if (b.starts.length === 0) return a;
  const merged = createSteps(2 * (a.starts.length + b.starts.length));
  const [left, right] = [walkOf(a), walkOf(b)];
  let count = 0;
  while (left.start !== Number.POSITIVE_INFINITY || right.start !== Number.POSITIVE_INFINITY) {
    if (left.start < right.start) count = pushAlone(merged, count, left, right.start);
    else if (right.start < left.start) count = pushAlone(merged, count, right, left.start);
    else {
      const end = Math.min(a.ends[left.at]!, b.ends[right.at]!);
      count = push(merged, count, left.start, end, Math.max(a.ranks[left.at]!, b.ranks[right.at]!));
      advance(left, end);
      advance(right, end);
    }
  }
  return trimmed(merged, count);
}

function walkOf(cover: Cover): Walk {
  return { cover, at: 0, start: cover.starts[0]! };
}

/** Moves to `time`, which lies within the step or ends it. */
function advance(walk: Walk, time: number): void {
  const { starts, ends } = walk.cover;
  if (time < ends[walk.at]!) walk.start = time;
  else walk.start = ++walk.at < starts.length ? starts[walk.at]! : Number.POSITIVE_INFINITY;
}

/** Appends a step, or lengthens the last one. Returns the number of steps. */
function push(
  { starts, ends, ranks }: Cover,
  count: number,
  start: number,
  end: number,
  rank: number,
): number {
  if (count > 0 && ends[count - 1] === start && ranks[count - 1] === rank) {
    ends[count - 1] = end;
    return count;
  }
  starts[count] = start;
  ends[count] = end;
  ranks[count] = rank;
  return count + 1;
}

/** Appends what only one cover covers, up to `limit`: first the rest of its current step, then whole steps. */
function pushAlone(merged: Cover, count: number, walk: Walk, limit: number): number {
  const { cover } = walk;
  const end = Math.min(cover.ends[walk.at]!, limit);
  const pushed = push(merged, count, walk.start, end, cover.ranks[walk.at]!);
  advance(walk, end);
  if (!(walk.start < limit)) return pushed;
  const to = gallop(cover.ends, walk.at, limit);
  if (to === walk.at) return pushed;
  // Steps of one cover that touch have different ranks; only the first may go on with what was there before.
  const first = push(merged, pushed, walk.start, cover.ends[walk.at]!, cover.ranks[walk.at]!);
  merged.starts.set(cover.starts.subarray(walk.at + 1, to), first);
  merged.ends.set(cover.ends.subarray(walk.at + 1, to), first);
  merged.ranks.set(cover.ranks.subarray(walk.at + 1, to), first);
  const next = first + to - walk.at - 1;
  walk.at = to;
  walk.start = to < cover.starts.length ? cover.starts[to]! : Number.POSITIVE_INFINITY;
  return next;
}

/** The first position from `start` on whose entry is greater than `limit`: doubling steps, so that near ones cost little. */
function gallop(ascending: Float64Array, start: number, limit: number): number {
  let low = start;
  let step = 1;
  while (low + step <= ascending.length && ascending[low + step - 1]! <= limit) {
    low += step;
    step *= 2;
  }
  return firstAbove(ascending, limit, low, Math.min(ascending.length, low + step));
}

/** The steps that reach beyond `from` and begin before `to`, as a view. */
export function coverWithin(cover: Cover, from: number, to: number): Cover {
  return cut(cover, firstAbove(cover.ends, from), firstAbove(cover.starts, to - 1));
}

/** Position of the first that is greater than `limit`. */
export function firstAbove(ascending: Float64Array, limit: number, from = 0, to = ascending.length): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The stretches `[from, to)` of positions whose samples are shown: no sample of a higher rank covers any part of
 * them. Nothing else that is covered lies between the samples of a stretch.
 *
 * @param cover covers these samples and all others that might hide them, so a shown sample lies within one step of
 *   its own rank, and no other step matters
 */
export function shownWithin(columns: Columns, of: Ranks, cover: Cover): [number, number][] {
  const { times, durationMs } = columns;
  const { ends, ranks } = cover;
  const length = typeof durationMs === "number" ? Math.max(1, durationMs) : undefined;
  const stretches: [number, number][] = [];
  let step = firstAbove(ends, times[0] ?? 0);
  let last: [number, number] | undefined;
  let lastStep = -1;
  for (let i = 0; i < times.length; ) {
    const start = times[i]!;
    while (ends[step]! <= start) step++;
    const own = ranks[step] === (typeof of === "number" ? of : of[i]!);
    const shown = own && ends[step]! >= endOfSample(columns, i);
    // Where all samples have one duration and rank, all that lie within the step are shown, or none is.
    const alike = typeof of === "number" && length !== undefined && shown === own;
    const to = alike ? gallop(times, i + 1, ends[step]! - (shown ? length : 1)) : i + 1;
    if (shown) {
      if (last?.[1] === i && step <= lastStep + 1) last[1] = to;
      else {
        last = [i, to];
        stretches.push(last);
      }
      lastStep = step;
    }
    i = to;
  }
  return stretches;
}

/** Whether both covers are equal. */
export function sameCover(a: Cover, b: Cover): boolean {
  const same = (x: Float64Array, y: Float64Array) =>
    x.length === y.length && x.every((one, i) => one === y[i]);
  return same(a.starts, b.starts) && same(a.ends, b.ends) && same(a.ranks, b.ranks);
}

function createSteps(most: number): Cover {
  return { starts: new Float64Array(most), ends: new Float64Array(most), ranks: new Float64Array(most) };
}

/** The first `count` steps; a copy where the view would hold on to much more. */
function trimmed(steps: Cover, count: number): Cover {
  const view = cut(steps, 0, count);
  if (count * 2 >= steps.starts.length) return view;
  return { starts: view.starts.slice(), ends: view.ends.slice(), ranks: view.ranks.slice() };
}

function cut({ starts, ends, ranks }: Cover, from: number, to: number): Cover {
  return {
    starts: starts.subarray(from, to),
    ends: ends.subarray(from, to),
    ranks: ranks.subarray(from, to),
  };
}
