import { Temporal } from "temporal-polyfill";
import type { Interval } from "./interval.ts";
import { DAY_MS } from "./utc-day.ts";

/** Length of a bucket, in the patient's own time zone. A week begins on Monday (ISO 8601). */
export type BucketUnit = "minute" | "hour" | "day" | "week" | "month";

/** A time zone from an instant on; the first one applies to all earlier time. */
export interface ZonePeriod {
  /** UTC milliseconds; -Infinity in the first. */
  readonly from: number;
  /** IANA name. */
  readonly zone: string;
}

/** A stretch of time with one offset from UTC. */
interface Stretch extends Interval {
  readonly offsetMs: number;
}

const MINUTE = 60_000;
const HOUR = 3_600_000;

/** Further back than any bucket begins, in any zone. */
const REACH: Readonly<Record<BucketUnit, number>> = {
  minute: HOUR,
  hour: 4 * HOUR,
  day: 3 * DAY_MS,
  week: 10 * DAY_MS,
  month: 40 * DAY_MS,
};

/** Shortest whole bucket: a change of zone cut off anything shorter. */
export const NOMINAL_MS: Readonly<Record<BucketUnit, number>> = {
  minute: MINUTE,
  hour: HOUR,
  day: 23 * HOUR,
  week: 7 * DAY_MS - HOUR,
  month: 28 * DAY_MS - HOUR,
};

/**
 * The edges of the buckets that `interval` touches: ascending, the first at or before its start, the last at
 * or after its end. A bucket is a longest run of instants that share a date (or its hour, week, month) on the
 * patient's wall clock; the hour that a change to winter time repeats makes two buckets, and a day has 23, 24
 * or 25 hours. Undefined where there would be more than `limit` buckets.
 *
 * @param zones oldest first, at least one
 */
export function bucketEdges(
  zones: readonly ZonePeriod[],
  unit: BucketUnit,
  interval: Interval,
  limit: number,
): Float64Array | undefined {
  const reach = REACH[unit];
  let edges: number[] = [];
  let previous: Stretch | undefined;
  for (const stretch of stretches(zones, { from: interval.from - reach, to: interval.to + reach })) {
    for (const edge of edgesWithin(stretch, previous, unit)) {
      if (edge <= interval.from) edges = [edge];
      else edges.push(edge);
      if (edge >= interval.to) return Float64Array.from(edges);
      if (edges.length > limit) return undefined;
    }
    previous = stretch;
  }
  throw new RangeError("a bucket is longer than its reach"); // impossible with the zones of the tz database
}

/** The edges in `[stretch.from, stretch.to)`. */
function* edgesWithin(stretch: Stretch, previous: Stretch | undefined, unit: BucketUnit): Generator<number> {
  const { from, to, offsetMs } = stretch;
  const first = unitStart(from + offsetMs, unit);
  if (previous !== undefined) {
    const before = unitStart(from - 1 + previous.offsetMs, unit);
    // A change of offset separates an hour from its repetition, but it does not part a day.
    const parted = offsetMs !== previous.offsetMs && (unit === "minute" || unit === "hour");
    if (first !== before || parted) yield from;
  }
  for (let local = nextUnit(first, unit); local - offsetMs < to; local = nextUnit(local, unit)) {
    yield local - offsetMs;
  }
}

/** Wall-clock milliseconds (as if UTC) at which the unit that holds `local` began. */
function unitStart(local: number, unit: BucketUnit): number {
  switch (unit) {
    case "minute":
      return floorTo(local, MINUTE);
    case "hour":
      return floorTo(local, HOUR);
    case "day":
      return floorTo(local, DAY_MS);
    case "week":
      return floorTo(local - 4 * DAY_MS, 7 * DAY_MS) + 4 * DAY_MS; // 1970-01-05 was a Monday
    case "month": {
      const date = new Date(local);
      return monthStart(date.getUTCFullYear(), date.getUTCMonth());
    }
  }
}

function nextUnit(start: number, unit: BucketUnit): number {
  switch (unit) {
    case "minute":
      return start + MINUTE;
    case "hour":
      return start + HOUR;
    case "day":
      return start + DAY_MS;
    case "week":
      return start + 7 * DAY_MS;
    case "month": {
      const date = new Date(start);
      return monthStart(date.getUTCFullYear(), date.getUTCMonth() + 1);
    }
  }
}

/** Date.UTC maps years 0 to 99 to 1900 to 1999; setUTCFullYear does not. */
function monthStart(year: number, month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 1);
  return date.getTime();
}

function floorTo(value: number, step: number): number {
  return Math.floor(value / step) * step;
}

/** `bounds` cut wherever the offset changes, by a change of the zone's rules or of the patient's zone. */
function* stretches(zones: readonly ZonePeriod[], bounds: Interval): Generator<Stretch> {
  for (let i = 0; i < zones.length; i++) {
    const from = Math.max(bounds.from, zones[i]!.from);
    const to = Math.min(bounds.to, zones[i + 1]?.from ?? Number.POSITIVE_INFINITY);
    if (from >= to) continue;
    let at = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(zones[i]!.zone);
    for (;;) {
      const start = at.epochMilliseconds;
      const next = at.getTimeZoneTransition("next");
      const end = Math.min(to, next?.epochMilliseconds ?? Number.POSITIVE_INFINITY);
      yield { from: start, to: end, offsetMs: Math.round(at.offsetNanoseconds / 1e6) };
      if (next === null || end >= to) break;
      at = next;
    }
  }
}
