import type { ExactDecimal } from "@wellapi/series";
import { addExact, createExactSum, type ExactSum, subtractExact } from "./exact-sum.ts";
import type { Interval } from "./interval.ts";
import { LOT_LEVELS, type Lot, type LotLevel, type Lots, mayBeMade, type NumberFormat } from "./lots.ts";

/** Samples that lots told and did not take back, ascending by time. */
export interface ToldSamples {
  readonly times: Float64Array;
  readonly ranks: Float64Array;
  /** The lot that told each. */
  readonly lots: Float64Array;
}

/** Samples of one format that are shown, ascending by time. */
export interface ShownRun {
  readonly times: Float64Array;
  readonly ranks: Float64Array;
  readonly components: ReadonlyArray<
    NumberFormat & { readonly scale: number; readonly mantissas: Float64Array }
  >;
}

/** What is to be told of one month of a series. */
export interface Due {
  readonly lots: Lots;
  readonly told: ToldSamples;
  /** As of the instant of release; ascending. */
  readonly shown: readonly ShownRun[];
  /** Whole buckets that have ended, ascending. The month is the only one of its level. */
  readonly buckets: Readonly<Record<LotLevel, readonly Interval[]>>;
  /** Fewest samples of a lot. */
  readonly least: number;
  /** An id for a lot that begins then. */
  readonly nextId: (from: number) => number;
}

export interface Release {
  readonly made: readonly Lot[];
  /** Lots of before of which some samples are taken back, as they are now. */
  readonly changed: readonly Lot[];
  readonly told: ToldSamples;
}

/** A sample that is shown and not told, or told and not shown any more. */
interface Difference {
  readonly time: number;
  /** The lot that told it; 0 for a sample that is not told. */
  readonly lot: number;
  readonly rank: number;
  /** Where it lies among the shown; -1 for one that is told. */
  readonly run: number;
  readonly at: number;
}

/**
 * Makes the lots that are due. Of each bucket all that differs goes into one lot a format, the finest buckets first:
 * what is too little for an hour waits for its day, and what is too little for the day for its month.
 */
export function release(due: Due): Release {
  const { lots, buckets } = due;
  const making: Making = { ...due, made: [], kept: keptOf(due), changed: new Set(), consumed: new Map() };
  let pending = differencesOf(due);
  if (pending.length === 0) return { made: [], changed: [], told: due.told };
  for (const level of LOT_LEVELS) {
    const left: Difference[] = [];
    for (const [bucket, differences] of byBucket(pending, buckets[level])) {
      const consumed = bucket === undefined ? new Set() : makeLots(making, level, bucket, differences);
      for (const difference of differences) if (!consumed.has(difference)) left.push(difference);
    }
    pending = left;
  }
  const { made, consumed } = making;
  const changed = [...making.changed].map((id) => lots.get(id)).filter((lot) => lot !== undefined);
  return { made, changed, told: consumed.size === 0 ? due.told : toldAfter(due, consumed) };
}

/** Merges the two by time. At one time there may be one of each. */
function differencesOf({ told, shown }: Due): Difference[] {
  const { times, ranks, lots } = told;
  const differences: Difference[] = [];
  let next = 0;
  const gone = () => {
    const [time, rank, lot] = [times[next]!, ranks[next]!, lots[next]!];
    differences.push({ time, rank, lot, run: -1, at: next++ });
  };
  for (const [run, samples] of shown.entries()) {
    for (let at = 0; at < samples.times.length; at++) {
      const time = samples.times[at]!;
      const rank = samples.ranks[at]!;
      while (next < times.length && times[next]! < time) gone();
      if (times[next] === time && ranks[next] === rank) next++;
      else {
        if (times[next] === time) gone();
        differences.push({ time, rank, lot: 0, run, at });
      }
    }
  }
  while (next < times.length) gone();
  return differences;
}

/** Runs of differences with the bucket that holds them; undefined for those that no bucket does. */
function* byBucket(
  differences: readonly Difference[],
  buckets: readonly Interval[],
): Generator<readonly [Interval | undefined, readonly Difference[]]> {
  let bucket = 0;
  for (let from = 0; from < differences.length; ) {
    const { time } = differences[from]!;
    while (bucket < buckets.length && buckets[bucket]!.to <= time) bucket++;
    const next = buckets[bucket];
    const inside = next !== undefined && next.from <= time;
    const end = inside ? next.to : (next?.from ?? Number.POSITIVE_INFINITY);
    let to = from + 1;
    while (to < differences.length && differences[to]!.time < end) to++;
    yield [inside ? next : undefined, differences.slice(from, to)];
    from = to;
  }
}

/** What is still shown of what a lot told. */
interface Kept {
  count: number;
  readonly sums: readonly ExactSum[];
}

interface Making extends Due {
  readonly made: Lot[];
  /** Undefined where nothing is. */
  readonly kept: (lot: number) => Kept | undefined;
  readonly changed: Set<number>;
  /** Differences that are told, with the lot that tells them, or 0 for those that are taken back. */
  readonly consumed: Map<Difference, number>;
}

/** Made for all lots at the first question: most months have nothing to take back. */
function keptOf({ told, shown }: Due): Making["kept"] {
  let kept: Map<number, Kept> | undefined;
  const load = () => {
    const all = new Map<number, Kept>();
    let next = 0;
    for (const { times, ranks, components } of shown) {
      for (let at = 0; at < times.length; at++) {
        while (next < told.times.length && told.times[next]! < times[at]!) next++;
        if (told.times[next] !== times[at] || told.ranks[next] !== ranks[at]) continue;
        const lot = told.lots[next]!;
        const known = all.get(lot) ?? { count: 0, sums: components.map(() => createExactSum()) };
        all.set(lot, known);
        known.count++;
        for (const [c, { scale, mantissas }] of components.entries())
          known.sums[c]!.add(mantissas[at]!, scale);
      }
    }
    return all;
  };
  return (lot) => {
    kept ??= load();
    return kept.get(lot);
  };
}

/** What of one format is to be told of a bucket. */
interface Candidate {
  readonly formats: readonly NumberFormat[];
  readonly adds: Difference[];
  readonly gone: Difference[];
}

/** Makes the lots of one bucket, and says which differences they tell. */
function makeLots(
  making: Making,
  level: LotLevel,
  bucket: Interval,
  differences: readonly Difference[],
): ReadonlySet<Difference> {
  const { lots, consumed } = making;
  const told = new Set<Difference>();
  const outside = differences.filter(({ lot }) => lot !== 0 && !isWithin(lots.get(lot), bucket));
  // What a longer bucket told is taken back there, with what came in its place. No bucket counts a lot that none holds.
  if (outside.length > 0 && level !== "month") return told;
  const stays = new Set(outside.map(({ time }) => time));
  const candidates = candidatesOf(
    making,
    differences.filter(({ time }) => !stays.has(time)),
  );
  const plans = candidates.map((candidate) => ({ candidate, plan: planOf(making, candidate) }));
  // What takes the place of samples that cannot be taken back yet would be counted beside them.
  if (plans.some(({ candidate, plan }) => candidate.gone.length > 0 && plan === undefined)) return told;
  for (const { plan } of plans) {
    if (plan === undefined) continue;
    const lot = makeLot(making, level, bucket, plan);
    for (const difference of plan.adds) {
      told.add(difference);
      consumed.set(difference, lot.id);
    }
    for (const difference of plan.gone) {
      told.add(difference);
      consumed.set(difference, 0);
    }
  }
  return told;
}

function isWithin(lot: Lot | undefined, bucket: Interval): boolean {
  return lot !== undefined && bucket.from <= lot.from && lot.to <= bucket.to;
}

function candidatesOf({ lots, shown }: Making, differences: readonly Difference[]): Candidate[] {
  const candidates = new Map<string, Candidate>();
  for (const difference of differences) {
    const formats =
      difference.lot === 0 ? shown[difference.run]!.components : lots.get(difference.lot)!.formats;
    const key = formatKey(formats);
    let candidate = candidates.get(key);
    if (candidate === undefined) {
      candidate = { formats: formats.map(({ coding, unit }) => ({ coding, unit })), adds: [], gone: [] };
      candidates.set(key, candidate);
    }
    (difference.lot === 0 ? candidate.adds : candidate.gone).push(difference);
  }
  return [...candidates.values()];
}

export function formatKey(formats: readonly NumberFormat[]): string {
  return JSON.stringify(formats.map(({ coding, unit }) => [coding?.system, coding?.code, unit]));
}

/** The candidate, or what it takes back alone, if that may be told. */
function planOf({ lots, least }: Making, candidate: Candidate): Candidate | undefined {
  const { adds, gone } = candidate;
  const takes = takesOf(gone);
  const may = (added: number) =>
    Math.max(added, gone.length) >= least && mayBeMade(lots, added, takes, least);
  if (may(adds.length)) return candidate;
  return gone.length > 0 && may(0) ? { ...candidate, adds: [] } : undefined;
}

function takesOf(gone: readonly Difference[]): Map<number, number> {
  const takes = new Map<number, number>();
  for (const { lot } of gone) takes.set(lot, (takes.get(lot) ?? 0) + 1);
  return takes;
}

const NOTHING: ExactDecimal = { mantissa: 0n, scale: 0 };

function makeLot(making: Making, level: LotLevel, { from, to }: Interval, plan: Candidate): Lot {
  const { lots, shown, kept, changed, made } = making;
  const { formats, adds, gone } = plan;
  const added = formats.map(() => createExactSum());
  for (const { run, at } of adds) {
    const { components } = shown[run]!;
    for (const [c, { mantissas, scale }] of components.entries()) added[c]!.add(mantissas[at]!, scale);
  }
  const leftSums = added.map(({ value }) => value);
  const takes = takesOf(gone);
  let sums: readonly ExactDecimal[] = leftSums;
  for (const [id, taken] of takes) {
    const lot = lots.get(id)!;
    const left = kept(id);
    // All of a lot lies in the bucket, and all that is gone from it is taken back together.
    if (lot.left - taken !== (left?.count ?? 0)) throw new Error("a lot does not hold what it told");
    const still = left?.sums.map(({ value }) => value) ?? lot.leftSums.map(() => NOTHING);
    sums = sums.map((sum, c) => subtractExact(addExact(sum, still[c]!), lot.leftSums[c]!));
    lot.left -= taken;
    lot.leftSums = still;
    changed.add(id);
  }
  const id = making.nextId(from);
  const count = adds.length;
  const lot: Lot = { id, level, from, to, formats, added: count, takes, sums, left: count, leftSums };
  lots.add(lot);
  made.push(lot);
  return lot;
}

/** The told without what was taken back, and with what is told now. */
function toldAfter({ told }: Due, consumed: ReadonlyMap<Difference, number>): ToldSamples {
  const back = new Set<number>();
  const adds: [Difference, number][] = [];
  for (const [difference, lot] of consumed) {
    if (lot === 0) back.add(difference.at);
    else adds.push([difference, lot]);
  }
  adds.sort(([a], [b]) => a.time - b.time);
  const count = told.times.length - back.size + adds.length;
  const [times, ranks, lots] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  let next = 0;
  let to = 0;
  const put = (time: number, rank: number, lot: number) => {
    times[to] = time;
    ranks[to] = rank;
    lots[to++] = lot;
  };
  for (let at = 0; at < told.times.length; at++) {
    for (; next < adds.length && adds[next]![0].time < told.times[at]!; next++) {
      const [{ time, rank }, lot] = adds[next]!;
      put(time, rank, lot);
    }
    if (!back.has(at)) put(told.times[at]!, told.ranks[at]!, told.lots[at]!);
  }
  for (; next < adds.length; next++) {
    const [{ time, rank }, lot] = adds[next]!;
    put(time, rank, lot);
  }
  return { times, ranks, lots };
}
