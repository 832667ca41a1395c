import { BLOCK_LIMITS, type Columns } from "./columns.ts";
import { concatColumns, firstAtOrAfter, sameFormat, viewOf } from "./slice.ts";

/** A block of a series with the sequence of the commit that stored it, or of each of its samples' commits. */
export interface CommittedBlock {
  readonly columns: Columns;
  readonly sequence: number | Float64Array;
}

/** A stretch `[from, to)` of one block whose samples are all winners. */
interface Segment {
  readonly columns: Columns;
  readonly from: number;
  readonly to: number;
}

/** A block that is being merged, and how far. Of one instant the greater sequence wins, then the greater order. */
interface Cursor {
  readonly columns: Columns;
  readonly sequences: Float64Array | undefined;
  readonly order: number;
  position: number;
  /** Of the sample at `position`. */
  time: number;
  sequence: number;
}

/**
 * The overlap rule: wearables send the same hours again, and for each instant the sample with the highest
 * commit sequence wins. Of two blocks with one sequence, the later in `blocks` wins.
 *
 * An instant is the start of a sample; that an interval reaches over the start of another is no conflict.
 *
 * @param blocks of one series, in any order, each as `checkColumns` demands
 * @returns the winners, strictly ascending over all; neighbours of one format joined, at most
 *   `BLOCK_LIMITS.values` values each. May share memory with the input. Time is O(n) for blocks that do not
 *   overlap, and O(n log k) where k of them do
 */
export function overlay(blocks: readonly CommittedBlock[]): Columns[] {
  const cursors = blocks
    .filter((block) => block.columns.times.length > 0)
    .map(({ columns, sequence }, order): Cursor => {
      const sequences = typeof sequence === "number" ? undefined : sequence;
      const first = typeof sequence === "number" ? sequence : sequence[0]!;
      return { columns, sequences, order, position: 0, time: columns.times[0]!, sequence: first };
    })
    .sort((a, b) => a.time - b.time);

  const segments: Segment[] = [];
  for (let start = 0; start < cursors.length; ) {
    const first = cursors[start]!;
    let end = start + 1;
    let lastTime = first.columns.times.at(-1)!;
    while (end < cursors.length && cursors[end]!.time <= lastTime) {
      lastTime = Math.max(lastTime, cursors[end]!.columns.times.at(-1)!);
      end++;
    }
    if (end === start + 1) {
      segments.push({ columns: first.columns, from: 0, to: first.columns.times.length });
    } else {
      mergeOverlapping(cursors.slice(start, end), segments);
    }
    start = end;
  }
  return joinSegments(segments);
}

/** A k-way merge that moves by stretches: up to where the next block begins to have a say. */
function mergeOverlapping(cursors: Cursor[], segments: Segment[]): void {
  // Sorted by time, but a heap also ranks equal times.
  const heap = cursors;
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, i);
  while (heap.length > 0) {
    const winner = heap[0]!;
    const from = winner.position;
    const time = winner.time;
    winner.position++;
    settle(heap, winner);
    while (heap.length > 0 && heap[0]!.time === time) {
      const loser = heap[0]!;
      loser.position++;
      settle(heap, loser);
    }
    // Whatever the winner has before any other block's next sample is uncontested.
    if (heap[0] === winner) {
      const times = winner.columns.times;
      const limit = secondTime(heap);
      if (times[winner.position]! < limit) {
        winner.position = gallop(times, winner.position, limit);
        settle(heap, winner);
      }
      push(segments, winner.columns, from, winner.position);
    } else {
      push(segments, winner.columns, from, from + 1);
    }
  }
}

function push(segments: Segment[], columns: Columns, from: number, to: number): void {
  const last = segments.at(-1);
  if (last !== undefined && last.columns === columns && last.to === from) {
    segments[segments.length - 1] = { columns, from: last.from, to };
  } else {
    segments.push({ columns, from, to });
  }
}

/** The first position at or after `limit`: doubling steps, so that short stretches cost little. */
function gallop(times: Float64Array, start: number, limit: number): number {
  let step = 1;
  let low = start;
  while (low + step < times.length && times[low + step]! < limit) {
    low += step;
    step *= 2;
  }
  const high = Math.min(times.length, low + step + 1);
  return low + firstAtOrAfter(times.subarray(low, high), limit);
}

/** Puts the top cursor, whose position has moved, back in its place, or drops it when it is used up. */
function settle(heap: Cursor[], top: Cursor): void {
  if (top.position < top.columns.times.length) {
    top.time = top.columns.times[top.position]!;
    if (top.sequences !== undefined) top.sequence = top.sequences[top.position]!;
  } else {
    const last = heap.pop()!;
    if (heap.length === 0) return;
    heap[0] = last;
  }
  sink(heap, 0);
}

function secondTime(heap: readonly Cursor[]): number {
  const left = heap[1]?.time ?? Number.POSITIVE_INFINITY;
  const right = heap[2]?.time ?? Number.POSITIVE_INFINITY;
  return Math.min(left, right);
}

function sink(heap: Cursor[], start: number): void {
  const cursor = heap[start]!;
  let at = start;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, cursor)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = cursor;
}

function before(a: Cursor, b: Cursor): boolean {
  if (a.time !== b.time) return a.time < b.time;
  return a.sequence === b.sequence ? a.order > b.order : a.sequence > b.sequence;
}

/** Joins neighbours of one format into as few columns as the limits of a block allow. */
function joinSegments(segments: readonly Segment[]): Columns[] {
  const result: Columns[] = [];
  let run: Columns[] = [];
  let size = 0;
  const dictionaries = new Set<unknown>();
  let dictionarySize = 0;
  const flush = () => {
    if (run.length > 0) result.push(concatColumns(run));
    run = [];
    size = 0;
    dictionaries.clear();
    dictionarySize = 0;
  };
  for (const segment of segments) {
    const view = viewOf(segment.columns, segment.from, segment.to);
    const values = view.values;
    const width = values.kind === "components" ? values.components.length : 1;
    const entries =
      values.kind === "coded" && !dictionaries.has(values.dictionary) ? values.dictionary.length : 0;
    if (
      run.length > 0 &&
      (!sameFormat(run[0]!, view) ||
        size + view.times.length * width > BLOCK_LIMITS.values ||
        dictionarySize + entries > BLOCK_LIMITS.dictionary)
    ) {
      flush();
    }
    run.push(view);
    size += view.times.length * width;
    if (values.kind === "coded" && !dictionaries.has(values.dictionary)) {
      dictionaries.add(values.dictionary);
      dictionarySize += values.dictionary.length;
    }
  }
  flush();
  return result;
}
