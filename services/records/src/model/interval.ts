/** A half-open interval of UTC milliseconds: from <= t < to. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** The range of protobuf's Timestamp: years 1 to 9999. */
export const ALWAYS: Interval = { from: -62_135_596_800_000, to: 253_402_300_800_000 };

/** Sorted, disjoint and not touching one another; empty intervals are dropped. */
export function unite(intervals: readonly Interval[]): Interval[] {
  const sorted = intervals.filter(({ from, to }) => from < to).sort((a, b) => a.from - b.from);
  const united: { from: number; to: number }[] = [];
  for (const { from, to } of sorted) {
    const last = united.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else united.push({ from, to });
  }
  return united;
}

/** From the first beginning to the last end; undefined where there is none. */
export function hullOf(intervals: Iterable<Interval | undefined>): Interval | undefined {
  let hull: Interval | undefined;
  for (const one of intervals) {
    if (one === undefined) continue;
    hull = hull
      ? { from: Math.min(hull.from, one.from), to: Math.max(hull.to, one.to) }
      : { from: one.from, to: one.to };
  }
  return hull;
}

/** The part of `intervals` (united) within `bounds`. */
export function clip(intervals: readonly Interval[], bounds: Interval): Interval[] {
  return intervals
    .map(({ from, to }) => ({ from: Math.max(from, bounds.from), to: Math.min(to, bounds.to) }))
    .filter(({ from, to }) => from < to);
}

/** What lies in both (each united). */
export function intersect(one: readonly Interval[], other: readonly Interval[]): Interval[] {
  return one.flatMap((bounds) => clip(other, bounds));
}

/** What of `intervals` (united) lies in none of `others` (united). */
export function subtract(intervals: readonly Interval[], others: readonly Interval[]): Interval[] {
  const gaps: Interval[] = [];
  let from = Number.NEGATIVE_INFINITY;
  for (const other of others) {
    gaps.push({ from, to: other.from });
    from = other.to;
  }
  gaps.push({ from, to: Number.POSITIVE_INFINITY });
  return intersect(intervals, gaps);
}

/** A stretch of time, and whose intervals hold it. */
export interface Shared<M> {
  readonly interval: Interval;
  /** At least one. */
  readonly members: readonly M[];
}

/** The time of several, parted where it becomes that of others: ascending and disjoint. */
export function shared<M>(
  all: readonly { readonly member: M; readonly intervals: readonly Interval[] }[],
): Shared<M>[] {
  const edges = new Set(all.flatMap(({ intervals }) => intervals.flatMap(({ from, to }) => [from, to])));
  const ascending = [...edges].sort((a, b) => a - b);
  const parts: { interval: Interval; members: M[] }[] = [];
  for (const [i, to] of ascending.entries()) {
    if (i === 0) continue;
    const interval = { from: ascending[i - 1]!, to };
    const members = all.flatMap(({ member, intervals }) => (covers(intervals, interval) ? [member] : []));
    const last = parts.at(-1);
    const goesOn =
      last?.interval.to === interval.from &&
      last.members.length === members.length &&
      last.members.every((one, at) => one === members[at]);
    if (goesOn) last.interval = { from: last.interval.from, to };
    else if (members.length > 0) parts.push({ interval, members });
  }
  return parts;
}

/** Where what comes behind something at `time` in the order may lie; at `time` itself there may be more. */
export function intervalBehind(
  { from, to }: Interval,
  time: number | undefined,
  descending: boolean,
): Interval {
  if (time === undefined) return { from, to };
  return descending ? { from, to: Math.min(to, time + 1) } : { from: Math.max(from, time), to };
}

/** Whether they have an instant in common; an instant without a length is within, too. */
export function overlaps(one: Interval, { from, to }: Interval): boolean {
  return one.from < Math.max(to, from + 1) && from < one.to;
}

/** Whether `inner` lies within one of `intervals` (united). */
export function covers(intervals: readonly Interval[], inner: Interval): boolean {
  return intervals.some(({ from, to }) => from <= inner.from && inner.to <= to);
}

/** Whether each of the ascending `times` lies within one of `intervals` (united). */
export function coversTimes(intervals: readonly Interval[], times: ArrayLike<number>): boolean {
  if (times.length === 0) return true;
  // Nearly always one interval holds all times: then the two ends decide.
  const [first, last] = [times[0]!, times[times.length - 1]!];
  if (intervals.some(({ from, to }) => from <= first && last < to)) return true;
  let at = 0;
  for (let i = 0; i < times.length; i++) {
    const time = times[i]!;
    while (at < intervals.length && intervals[at]!.to <= time) at++;
    if (at === intervals.length || time < intervals[at]!.from) return false;
  }
  return true;
}
