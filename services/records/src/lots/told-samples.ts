import { firstAtOrAfter } from "@wellapi/series";
import type { Interval } from "../model/interval.ts";
import { LOT_LEVELS, type LotLevel, type NumberFormat } from "./lots.ts";

/**
 * Samples that lots told, ascending by time, also those that were taken back: one instant may have several. Time and
 * rank identify a sample.
 */
export interface ToldSamples {
  readonly times: Float64Array;
  readonly ranks: Float64Array;
  /** The lot that told each sample last. */
  readonly lots: Float64Array;
  /** The lot that took it back since; 0 without one. */
  readonly takers: Float64Array;
  /** The history of the sample: see `markOf`. */
  readonly marks: Float64Array;
}

export type Told = keyof ToldSamples;
const COLUMNS = ["times", "ranks", "lots", "takers", "marks"] as const satisfies readonly Told[];

/** Of a sample of an undone lot: it is not told again. */
const UNDONE = -1;

/** Combines the longest buckets whose lots told it or took it back, and whether it was told more than once. */
function markOf(level: LotLevel, again: boolean, before = 0): number {
  return Math.max(LOT_LEVELS.indexOf(level), before >> 1) * 2 + (again || (before & 1) === 1 ? 1 : 0);
}

/** Whether lots of longer buckets than these told the sample or took it back. */
export function isOfLonger(mark: number, level: LotLevel): boolean {
  return mark >> 1 > LOT_LEVELS.indexOf(level);
}

export function wasToldAgain(mark: number): boolean {
  return (mark & 1) === 1;
}

export function emptyTold(length = 0): ToldSamples {
  const column = () => new Float64Array(length);
  return { times: column(), ranks: column(), lots: column(), takers: column(), marks: column() };
}

/** Parts that follow one another in time. */
export function concatTold(parts: readonly ToldSamples[]): ToldSamples {
  const all = emptyTold(parts.reduce((sum, { times }) => sum + times.length, 0));
  let to = 0;
  for (const part of parts) {
    for (const column of COLUMNS) all[column].set(part[column], to);
    to += part.times.length;
  }
  return all;
}

/** As a view. */
export function sliceTold(told: ToldSamples, { from, to }: Interval): ToldSamples {
  const first = firstAtOrAfter(told.times, from);
  const end = Math.max(first, firstAtOrAfter(told.times, to));
  const view = (column: Told) => told[column].subarray(first, end);
  return {
    times: view("times"),
    ranks: view("ranks"),
    lots: view("lots"),
    takers: view("takers"),
    marks: view("marks"),
  };
}

/** Samples of one format that are shown, ascending by time. */
export interface ShownRun {
  readonly times: Float64Array;
  readonly ranks: Float64Array;
  readonly components: ReadonlyArray<
    NumberFormat & { readonly scale: number; readonly mantissas: Float64Array }
  >;
}

/** A difference: a sample that is shown and not told, or told and not shown any more. */
export interface Difference {
  readonly time: number;
  readonly rank: number;
  readonly kind: "fresh" | "gone" | "back";
  /** Its position among the shown samples; -1 for a gone one. */
  readonly run: number;
  readonly at: number;
  /** Its position among the told samples; -1 for a fresh one. */
  readonly entry: number;
  /** The lot that tells it, or that takes it back; 0 without one. */
  by: number;
  /** Whether that lot undoes another. */
  undone?: true;
}

/** The next entry of `told` at or after `from` for the sample; -1 without one. */
function entryOf({ times, ranks }: ToldSamples, from: number, time: number, rank: number): number {
  for (let at = from; times[at] === time; at++) if (ranks[at] === rank) return at;
  return -1;
}

/** Merges the two by time. One time may have several of each. */
export function* differencesOf(told: ToldSamples, shown: readonly ShownRun[]): Generator<Difference> {
  const { times, ranks, takers, marks } = told;
  let next = 0;
  /** The entries at the time of the samples that were compared last. */
  const found = new Set<number>();
  const isGone = (entry: number) => takers[entry] === 0 && !found.has(entry);
  const gone = (entry: number): Difference => {
    return { time: times[entry]!, rank: ranks[entry]!, kind: "gone", run: -1, at: -1, entry, by: 0 };
  };
  for (const [run, samples] of shown.entries()) {
    for (let at = 0; at < samples.times.length; at++) {
      const time = samples.times[at]!;
      const rank = samples.ranks[at]!;
      if (times[next]! < time) {
        for (; times[next]! < time; next++) if (isGone(next)) yield gone(next);
        found.clear();
      }
      const entry = entryOf(told, next, time, rank);
      if (entry >= 0) found.add(entry);
      if (entry < 0) yield { time, rank, kind: "fresh", run, at, entry, by: 0 };
      else if (takers[entry] !== 0 && marks[entry] !== UNDONE) {
        yield { time, rank, kind: "back", run, at, entry, by: 0 };
      }
    }
  }
  for (; next < times.length; next++) if (isGone(next)) yield gone(next);
}

/** Positions of the samples that are told and shown. */
export function* keptOf(
  told: ToldSamples,
  shown: readonly ShownRun[],
): Generator<{ readonly run: number; readonly at: number; readonly entry: number }> {
  let next = 0;
  for (const [run, { times, ranks }] of shown.entries()) {
    for (let at = 0; at < times.length; at++) {
      while (told.times[next]! < times[at]!) next++;
      const entry = entryOf(told, next, times[at]!, ranks[at]!);
      if (entry >= 0 && told.takers[entry] === 0) yield { run, at, entry };
    }
  }
}

/**
 * Collects the new state of the told samples while differences are told: on each level they come in ascending order.
 */
export interface Telling {
  settle(level: LotLevel, difference: Difference): void;
  after(): ToldSamples;
}

export function createTelling(told: ToldSamples): Telling {
  const columns = () => ({ times: [] as number[], ranks: [] as number[], lots: [] as number[] });
  const fresh: Readonly<Record<LotLevel, ReturnType<typeof columns>>> = {
    hour: columns(),
    day: columns(),
    month: columns(),
  };
  const now = concatTold([told]);
  return {
    settle(level, { kind, time, rank, entry, by, undone }) {
      if (kind === "fresh") {
        const { times, ranks, lots } = fresh[level];
        times.push(time);
        ranks.push(rank);
        lots.push(by);
        return;
      }
      if (undone) {
        now.takers[entry] = kind === "gone" ? by : 0;
        if (kind === "gone") now.marks[entry] = UNDONE;
        return;
      }
      if (kind === "gone") now.takers[entry] = by;
      else {
        now.lots[entry] = by;
        now.takers[entry] = 0;
      }
      now.marks[entry] = markOf(level, kind === "back", now.marks[entry]);
    },
    after() {
      const added = LOT_LEVELS.map((level) => freshTold(level, fresh[level]));
      return mergeTold([now, ...added.filter(({ times }) => times.length > 0)]);
    },
  };
}

function freshTold(
  level: LotLevel,
  { times, ranks, lots }: Readonly<Record<"times" | "ranks" | "lots", readonly number[]>>,
): ToldSamples {
  const none = emptyTold(times.length);
  const { takers, marks } = none;
  marks.fill(markOf(level, false));
  return {
    times: Float64Array.from(times),
    ranks: Float64Array.from(ranks),
    lots: Float64Array.from(lots),
    takers,
    marks,
  };
}

function mergeTold(parts: readonly ToldSamples[]): ToldSamples {
  if (parts.length === 1) return parts[0]!;
  const merged = emptyTold(parts.reduce((sum, { times }) => sum + times.length, 0));
  const heads = parts.map(() => 0);
  for (let to = 0; to < merged.times.length; to++) {
    let first = -1;
    for (const [i, { times }] of parts.entries()) {
      const at = heads[i]!;
      if (at < times.length && (first < 0 || times[at]! < parts[first]!.times[heads[first]!]!)) first = i;
    }
    const at = heads[first]!++;
    for (const column of COLUMNS) merged[column][to] = parts[first]![column][at]!;
  }
  return merged;
}
