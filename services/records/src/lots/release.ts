import { setImmediate as giveWay } from "node:timers/promises";
import type { ExactDecimal } from "@wellapi/series";
import type { Interval } from "../model/interval.ts";
import { addExact, createExactSum, type ExactSum, subtractExact } from "./exact-sum.ts";
import {
  isLonger,
  LOT_LEVELS,
  type Lot,
  type LotLevel,
  type Lots,
  mayBeMade,
  type NumberFormat,
  type Proposal,
} from "./lots.ts";
import {
  createTelling,
  type Difference,
  differencesOf,
  isOfLonger,
  keptOf,
  type ShownRun,
  type ToldSamples,
  wasToldAgain,
} from "./told-samples.ts";

/** The input of one month's release of a series. */
export interface Due {
  readonly lots: Lots;
  readonly told: ToldSamples;
  /** Lots at the instant of release; ascending. */
  readonly shown: readonly ShownRun[];
  /** Whole buckets that have ended, ascending. The month is the only bucket of its level. */
  readonly buckets: Readonly<Record<LotLevel, readonly Interval[]>>;
  /** Fewest samples of a lot. */
  readonly least: number;
  /** A new id for a lot that begins at that time. */
  readonly nextId: (from: number) => number;
}

export interface Release {
  readonly made: readonly Lot[];
  /** Earlier lots with samples that were taken back or told again, in their new state. */
  readonly changed: readonly Lot[];
  readonly told: ToldSamples;
}

/** After this many differences other tasks of the process run: a month may have millions. */
const DIFFERENCES_A_TURN = 4_000;

/**
 * Makes the lots that are due. All differences of a bucket go into one lot for each format, the finest buckets first:
 * too few samples for an hour wait for their day, and too few for the day wait for their month.
 */
export async function release(due: Due): Promise<Release> {
  const { lots, buckets, told, shown } = due;
  const making: Making = { ...due, made: [], kept: keptByLot(due), keys: new Map(), changed: new Set() };
  const telling = createTelling(told);
  let pending: Iterable<Difference> = differencesOf(told, shown);
  let since = 0;
  for (const level of LOT_LEVELS) {
    const left: Difference[] = [];
    for (const [bucket, differences] of byBucket(pending, buckets[level])) {
      if (bucket !== undefined) makeLots(making, level, bucket, differences);
      for (const difference of differences) {
        if (difference.by === 0) left.push(difference);
        else telling.settle(level, difference);
      }
      since += differences.length;
      if (since < DIFFERENCES_A_TURN) continue;
      since = 0;
      await giveWay();
    }
    pending = left;
  }
  const changed = [...making.changed].map((id) => lots.get(id)).filter((lot) => lot !== undefined);
  return { made: making.made, changed, told: telling.after() };
}

/** Runs of differences with the bucket that holds them; undefined for differences outside all buckets. */
function* byBucket(
  differences: Iterable<Difference>,
  buckets: readonly Interval[],
): Generator<readonly [Interval | undefined, readonly Difference[]]> {
  let next = 0;
  let run: Difference[] = [];
  let bucket: Interval | undefined;
  let end = Number.NEGATIVE_INFINITY;
  for (const difference of differences) {
    const { time } = difference;
    if (time >= end || (bucket === undefined && run.length >= DIFFERENCES_A_TURN)) {
      if (run.length > 0) yield [bucket, run];
      run = [];
      while (next < buckets.length && buckets[next]!.to <= time) next++;
      const holds = next < buckets.length && buckets[next]!.from <= time;
      bucket = holds ? buckets[next] : undefined;
      end = (holds ? buckets[next]!.to : buckets[next]?.from) ?? Number.POSITIVE_INFINITY;
    }
    run.push(difference);
  }
  if (run.length > 0) yield [bucket, run];
}

/** The still shown samples of a lot. */
interface Kept {
  count: number;
  readonly sums: readonly ExactSum[];
}

interface Making extends Due {
  readonly made: Lot[];
  /** Undefined without any. */
  readonly kept: (lot: number) => Kept | undefined;
  readonly changed: Set<number>;
  /** Formats that were seen before. */
  readonly keys: Map<readonly NumberFormat[], string>;
}

/** Made for all lots at the first call: most months have nothing to take back. */
function keptByLot({ told, shown }: Due): Making["kept"] {
  let kept: Map<number, Kept> | undefined;
  const load = () => {
    const all = new Map<number, Kept>();
    for (const { run, at, entry } of keptOf(told, shown)) {
      const { components } = shown[run]!;
      const lot = told.lots[entry]!;
      const known = all.get(lot) ?? { count: 0, sums: components.map(() => createExactSum()) };
      all.set(lot, known);
      known.count++;
      for (const [c, { scale, mantissas }] of components.entries()) known.sums[c]!.add(mantissas[at]!, scale);
    }
    return all;
  };
  return (lot) => {
    kept ??= load();
    return kept.get(lot);
  };
}

/** The differences of one format in a bucket. */
interface Candidate {
  readonly formats: readonly NumberFormat[];
  /** Never told before. */
  readonly fresh: readonly Difference[];
  /** Told and taken back before. */
  readonly back: readonly Difference[];
  readonly gone: readonly Difference[];
}

/** Makes the lots of one bucket, and notes in each difference which lot tells it. */
function makeLots(
  making: Making,
  level: LotLevel,
  bucket: Interval,
  differences: readonly Difference[],
): void {
  const outside = differences.filter((difference) => !isOfLotsWithin(making, difference, bucket));
  // Samples that a longer bucket told are taken back there, with the samples that replaced them. A lot counts only in
  // a bucket that holds all of it.
  if (outside.length > 0 && level !== "month") return;
  const stays = new Set(outside.map(({ time }) => time));
  const within = stays.size === 0 ? differences : differences.filter(({ time }) => !stays.has(time));
  const plans = candidatesOf(making, within).map((candidate) => {
    return { candidate, plan: planOf(making, level, bucket, candidate) };
  });
  // Samples that replace others would be counted beside them, as long as the others cannot be taken back.
  if (plans.some(({ candidate, plan }) => candidate.gone.length > 0 && plan === undefined)) return;
  for (const { plan } of plans) {
    if (plan === undefined) continue;
    const undone = undoneBy(making, plan);
    const { id } = makeLot(making, level, bucket, plan, undone);
    for (const difference of [...plan.fresh, ...plan.back, ...plan.gone]) {
      difference.by = id;
      if (undone !== undefined) difference.undone = true;
    }
  }
}

/** Whether every lot that told it or took it back lies wholly in the bucket. */
function isOfLotsWithin({ lots, told }: Making, { kind, entry }: Difference, bucket: Interval): boolean {
  const isWithin = (id: number) => {
    const lot = lots.get(id);
    return lot !== undefined && bucket.from <= lot.from && lot.to <= bucket.to;
  };
  if (kind === "fresh") return true;
  return isWithin(told.lots[entry]!) && (kind === "gone" || isWithin(told.takers[entry]!));
}

function candidatesOf(
  { lots, told, shown, keys }: Making,
  differences: readonly Difference[],
): readonly Candidate[] {
  const candidates = new Map<string, Candidate & Record<Difference["kind"], Difference[]>>();
  for (const difference of differences) {
    const { kind, run, entry } = difference;
    const formats = kind === "gone" ? lots.get(told.lots[entry]!)!.formats : shown[run]!.components;
    const key = keys.get(formats) ?? formatKey(formats);
    keys.set(formats, key);
    let candidate = candidates.get(key);
    if (candidate === undefined) {
      const plain = formats.map(({ coding, unit }) => ({ coding, unit }));
      candidate = { formats: plain, fresh: [], back: [], gone: [] };
      candidates.set(key, candidate);
    }
    candidate[kind].push(difference);
  }
  return [...candidates.values()];
}

export function formatKey(formats: readonly NumberFormat[]): string {
  return JSON.stringify(formats.map(({ coding, unit }) => [coding?.system, coding?.code, unit]));
}

/** The candidate as a lot, or its changes to earlier lots, if the rule allows it. */
function planOf(
  making: Making,
  level: LotLevel,
  bucket: Interval,
  candidate: Candidate,
): Candidate | undefined {
  const { lots, least } = making;
  const may = (plan: Candidate) => {
    const changed = Math.max(plan.fresh.length + plan.back.length, plan.gone.length);
    if (changed < least) return false;
    return undoes(making, plan) || mayBeMade(lots, proposalOf(making, plan), least);
  };
  if (may(candidate)) return candidate;
  const { gone, back } = candidate;
  if (gone.length === 0) return undefined;
  const rest = { ...candidate, fresh: [] };
  return may(rest) || (back.length === 0 && empties(making, level, bucket, rest)) ? rest : undefined;
}

/** Whether it undoes exactly one lot: a reader who knows that lot learns nothing. */
function undoes({ lots, told }: Making, { fresh, back, gone }: Candidate): boolean {
  const of = back[0] && lots.get(told.takers[back[0].entry]!);
  if (of === undefined || fresh.length > 0) return false;
  if (gone.length !== of.added || back.length !== of.removed) return false;
  return (
    gone.every(({ entry }) => told.lots[entry] === of.id) &&
    back.every(({ entry }) => told.takers[entry] === of.id)
  );
}

/**
 * Whether it undoes exactly all lots of the bucket: then nothing of the bucket is told any more, and only its own
 * lots had told it.
 */
function empties(
  { told, lots }: Making,
  level: LotLevel,
  bucket: Interval,
  { gone, formats }: Candidate,
): boolean {
  // Samples that a lot of other hours told and took back are not undone together with these.
  if (!lots.areWithin(bucket, level)) return false;
  const key = formatKey(formats);
  const left = new Set(gone.map(({ entry }) => entry));
  const { times, takers, marks } = told;
  for (let entry = 0; entry < times.length && times[entry]! < bucket.to; entry++) {
    if (times[entry]! < bucket.from) continue;
    if (formatKey(lots.get(told.lots[entry]!)?.formats ?? []) !== key) continue;
    if (isOfLonger(marks[entry]!, level)) return false;
    if (takers[entry] === 0 && !left.has(entry)) return false;
    const of = [told.lots[entry]!, takers[entry]!].filter((id) => id !== 0);
    if (of.some((id) => isLonger(lots.get(id)?.level ?? "month", level))) return false;
  }
  return true;
}

function proposalOf({ told }: Making, { fresh, back, gone }: Candidate): Proposal & Pick<Lot, "takes"> {
  const takes = new Map<number, number>();
  const freed = new Map<number, Map<number, number>>();
  for (const { entry } of gone) {
    if (wasToldAgain(told.marks[entry]!)) continue;
    takes.set(told.lots[entry]!, (takes.get(told.lots[entry]!) ?? 0) + 1);
  }
  for (const { entry } of back) {
    if (wasToldAgain(told.marks[entry]!)) continue;
    const taker = told.takers[entry]!;
    const of = freed.get(taker) ?? new Map<number, number>();
    freed.set(taker, of.set(told.lots[entry]!, (of.get(told.lots[entry]!) ?? 0) + 1));
  }
  const tangled = back.length > 0 || gone.some(({ entry }) => wasToldAgain(told.marks[entry]!));
  return { fresh: fresh.length, takes, freed, tangled };
}

const NOTHING: ExactDecimal = { mantissa: 0n, scale: 0 };

/**
 * The lot that a plan undoes, where both may be forgotten. A reader who gives it more weight than its undoing still
 * learns only of a sum with the samples that this lot alone told, of which there are enough.
 */
function undoneBy(making: Making, plan: Candidate): Lot | undefined {
  if (!undoes(making, plan)) return undefined;
  const lot = making.lots.get(making.told.takers[plan.back[0]!.entry]!)!;
  return lot.tangled || lot.plain !== lot.added || lot.added < making.least ? undefined : lot;
}

function sumsOf({ shown }: Making, formats: readonly NumberFormat[], shownAgain: readonly Difference[]) {
  const sums = formats.map(() => createExactSum());
  for (const { run, at } of shownAgain) {
    const { components } = shown[run]!;
    for (const [c, { mantissas, scale }] of components.entries()) sums[c]!.add(mantissas[at]!, scale);
  }
  return sums.map(({ value }) => value);
}

function makeLot(
  making: Making,
  level: LotLevel,
  { from, to }: Interval,
  plan: Candidate,
  undone: Lot | undefined,
): Lot {
  const { lots, told, kept, changed, made } = making;
  const { formats, fresh, back, gone } = plan;
  const leftSums = sumsOf(making, formats, [...fresh, ...back]);
  let sums: readonly ExactDecimal[] = leftSums;
  for (const [id, entries] of Map.groupBy(gone, ({ entry }) => told.lots[entry]!)) {
    const lot = lots.get(id)!;
    const still = kept(id);
    // The whole lot lies in the bucket, and all its gone samples are taken back together.
    if (lot.left - entries.length !== (still?.count ?? 0))
      throw new Error("a lot does not hold what it told");
    const stillSums = still?.sums.map(({ value }) => value) ?? lot.leftSums.map(() => NOTHING);
    sums = sums.map((sum, c) => subtractExact(addExact(sum, stillSums[c]!), lot.leftSums[c]!));
    lot.left -= entries.length;
    lot.leftSums = stillSums;
    changed.add(id);
  }
  const added = fresh.length + back.length;
  const place = { id: making.nextId(from), level, from, to, formats, added, removed: gone.length, sums };
  if (undone !== undefined) {
    const lot = { ...place, ...emptied(formats) };
    lots.add(lot, new Map());
    giveBack(making, undone, back);
    made.push(lot);
    return lot;
  }
  const { takes, freed, tangled } = proposalOf(making, plan);
  const lot: Lot = { ...place, left: added, leftSums, plain: fresh.length, lost: 0, takes, tangled };
  for (const id of lots.add(lot, freed)) changed.add(id);
  made.push(lot);
  return lot;
}

function emptied(formats: readonly NumberFormat[]) {
  const leftSums = formats.map(() => NOTHING);
  return { left: 0, leftSums, plain: 0, lost: 0, takes: new Map<number, number>(), tangled: false };
}

/** The samples that an undone lot had taken back belong to their earlier lots again. */
function giveBack(making: Making, undone: Lot, back: readonly Difference[]): void {
  const { lots, told, changed } = making;
  for (const [id, entries] of Map.groupBy(back, ({ entry }) => told.lots[entry]!)) {
    const lot = lots.get(id)!;
    const sums = sumsOf(making, lot.formats, entries);
    lot.left += entries.length;
    lot.leftSums = lot.leftSums.map((sum, c) => addExact(sum, sums[c]!));
    lot.plain += entries.length;
    lot.lost -= entries.length;
    changed.add(id);
  }
  Object.assign(undone, { left: 0, plain: 0, lost: 0 });
  undone.takes.clear();
  changed.add(undone.id);
}
