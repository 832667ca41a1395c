import { createHash } from "node:crypto";
import type { Clock } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { BlockRepository } from "../blocks/block-repository.ts";
import type { BlockName } from "../blocks/block-scan.ts";
import { fullHour, sequenceBefore } from "../blocks/head.ts";
import { loadHead } from "../blocks/head-repository.ts";
import { withBox } from "../blocks/patient-box.ts";
import type { Run } from "../blocks/winners.ts";
import { RecordsError } from "../errors.ts";
import { type BucketUnit, bucketEdges, NOMINAL_MS, type ZonePeriod } from "../model/calendar.ts";
import type { Interval } from "../model/interval.ts";
import { DAY_MS } from "../model/utc-day.ts";
import { boundsOf, monthOf, startOf } from "../model/utc-month.ts";
import { createLots, type Lot, type LotLevel } from "./lots.ts";
import { createOpenedLots, type OpenedLots } from "./opened-lots.ts";
import { type Release, release } from "./release.ts";
import { lotId, type MonthOfLots, monthOfLot } from "./release-codec.ts";
import type { NextMonth, ReleaseRepository, ToldMonth } from "./release-repository.ts";
import { concatTold, emptyTold, type ShownRun, sliceTold, type ToldSamples } from "./told-samples.ts";
import { createUnsavedReleases } from "./unsaved-releases.ts";

/** What readers of hourly and daily data are told of a series. */
export interface Told {
  readonly lots: readonly Lot[];
  /** The source of its latest sample; undefined where nothing is told. */
  readonly newest: MonthOfLots["newest"];
}

export interface Releases {
  /** Fewest samples of a lot, and of a bucket that is told. */
  readonly least: number;
  /** The instant of the state that is told now: the last full hour of UTC. */
  instant(): number;
  /**
   * The lots of a series that lie within the interval, after the lots that are due at the last full hour were made.
   * The result is the same for every reader, and for every repetition. Throws STORE_UNAVAILABLE, DATA_DAMAGED.
   */
  told(partition: string, series: string, interval: Interval, zones: readonly ZonePeriod[]): Promise<Told>;
  /**
   * As `told` would tell now, for who reads everything anyway: the lots that are due are made for this answer alone. Nothing is stored,
   * so no reader of hourly or daily data can tell that it was asked.
   */
  foretold: Releases["told"];
}

export interface ReleasesDeps {
  readonly store: Pick<Store, "get">;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly blocks: Pick<BlockRepository, "names" | "winnersAsOf">;
  readonly releases: ReleaseRepository;
}

const MAX_ATTEMPTS = 16;
const HALF_A_MONTH_MS = 15 * DAY_MS;
/** Longer than a month plus the shift of its ends by a time zone. */
const REACH_MS = 33 * DAY_MS;
/** More months than the range of instants has. */
const MAX_MONTHS = 130_000;

/** The state that is told. */
interface AsOf {
  readonly instant: number;
  readonly sequence: number;
  readonly zones: readonly ZonePeriod[];
}

/** The known data of a series while its months are processed. */
interface Book {
  readonly partition: string;
  readonly series: string;
  readonly names: readonly BlockName[];
  readonly months: Map<number, ToldMonth>;
  /** Revision of the head; undefined where another commit came between. */
  revision: number | undefined;
}

/** @param least fewest samples of a lot */
export function createReleases(deps: ReleasesDeps, least: number): Releases {
  const { store, vault, clock } = deps;
  if (!(least >= 2)) throw new RangeError("a lot of one sample tells it");
  const opened = createOpenedLots();

  async function tell(
    what: "told" | "foretold",
    ...[partition, series, interval, zones]: Parameters<Releases["told"]>
  ): Promise<Told> {
    for (let i = 0; i < MAX_ATTEMPTS; i++) {
      const head = await loadHead(store, partition);
      if (head === undefined || head.document.erased) return { lots: [], newest: undefined };
      const instant = fullHour(clock.now());
      const asOf = { instant, sequence: sequenceBefore(head.document, instant), zones };
      const name = JSON.stringify([what, partition, series]);
      const state = JSON.stringify([head.revision, instant, zones]);
      const known = await withBox(vault, partition, (box) => opened.get(box, name, state, interval));
      if (known !== undefined) return toldWithin(known, interval);
      const releases = what === "told" ? deps.releases : createUnsavedReleases(deps.releases, head.revision);
      const making = { ...deps, releases };
      const book = await bookOf(making, partition, series, interval, head.revision);
      if (!(await makeDue(making, least, book, interval, asOf))) continue;
      const found = openedOf(book, interval);
      const { revision } = book;
      if (revision !== undefined) {
        const then = JSON.stringify([revision, instant, zones]);
        await withBox(vault, partition, (box) => opened.set(box, name, then, found));
      }
      return toldWithin(found, interval);
    }
    throw new RecordsError("STORE_UNAVAILABLE");
  }

  return {
    least,
    instant: () => fullHour(clock.now()),
    told: (...asked) => tell("told", ...asked),
    foretold: (...asked) => tell("foretold", ...asked),
  };
}

async function bookOf(
  { blocks, releases }: ReleasesDeps,
  partition: string,
  series: string,
  interval: Interval,
  revision: number,
): Promise<Book> {
  const wide = { from: interval.from - REACH_MS, to: interval.to + REACH_MS };
  const [names, months] = await Promise.all([
    blocks.names(partition, series, wide),
    // A lot that reaches into the first month begins in the month before.
    releases.months(partition, series, monthOf(wide.from) - 1, monthOf(wide.to) + 1),
  ]);
  return {
    partition,
    series,
    names,
    revision,
    months: new Map(months.map((month) => [month.month, month])),
  };
}

/** Makes the due lots of each of the patient's months; false where another commit was faster. */
async function makeDue(
  deps: ReleasesDeps,
  least: number,
  book: Book,
  interval: Interval,
  asOf: AsOf,
): Promise<boolean> {
  for (const month of monthsOf(book, interval, asOf)) {
    const due = dueOf(book, month, asOf, least);
    if (due !== undefined && !(await makeMonth(deps, least, book, month, due, asOf))) return false;
  }
  return true;
}

/** False where another commit was faster. */
async function makeMonth(
  { blocks, releases }: ReleasesDeps,
  least: number,
  book: Book,
  month: Interval,
  seen: string,
  asOf: AsOf,
): Promise<boolean> {
  const { partition, series } = book;
  const bounds = { from: month.from, to: Math.min(month.to, asOf.instant) };
  const runs: Run[] = [];
  for await (const run of blocks.winnersAsOf(partition, series, bounds, asOf.sequence)) runs.push(run);
  const [first, last] = [monthOf(month.from), monthOf(month.to - 1)];
  const told = new Map<number, ToldSamples>();
  for (let m = first; m <= last; m++) {
    const known = book.months.get(m);
    told.set(m, known === undefined ? emptyTold() : await releases.told(known));
  }
  const inside = sliceTold(concatTold([...told.values()]), month);
  const lots = createLots(
    [...book.months.values()].flatMap((known) =>
      known.lots.map((lot) => ({ ...lot, takes: new Map(lot.takes) })),
    ),
  );
  const counts = new Map<number, number>();
  const made = await release({
    lots,
    told: inside,
    shown: runs.flatMap(shownOf),
    buckets: bucketsOf(asOf, bounds, month),
    least,
    nextId: (from) => {
      const of = monthOf(from);
      const position = counts.get(of) ?? book.months.get(of)?.lots.length ?? 0;
      counts.set(of, position + 1);
      return lotId(of, position);
    },
  });
  const ended = month.to <= asOf.instant;
  if (made.made.length === 0 && !ended) return true;
  const newest = newestOf(runs);
  const next = nextMonths(book, month, told, made, { seen, newest });
  const saved = await releases.save(partition, series, next);
  if (saved === undefined) return false;
  book.revision = saved.before === book.revision ? saved.after : undefined;
  // As they are stored now.
  const again = await releases.months(partition, series, first - 2, last + 1);
  for (const one of again) book.months.set(one.month, one);
  return true;
}

/**
 * Months of the patient's calendar, by its present zones: those within the interval that may have something to tell.
 */
function monthsOf({ names, months }: Book, interval: Interval, { instant, zones }: AsOf): Interval[] {
  const stored = [...months.keys()].sort((a, b) => a - b);
  const starts = [...names.map(({ from }) => from), ...(stored.length > 0 ? [startOf(stored[0]!)] : [])];
  const ends = [...names.map(({ to }) => to), ...(stored.length > 0 ? [startOf(stored.at(-1)! + 1)] : [])];
  if (starts.length === 0) return [];
  const from = Math.max(
    interval.from,
    starts.reduce((a, b) => Math.min(a, b)),
  );
  const to = Math.min(
    interval.to,
    instant,
    ends.reduce((a, b) => Math.max(a, b)),
  );
  if (from >= to) return [];
  const edges = bucketEdges(zones, "month", { from, to }, MAX_MONTHS)!;
  return intervalsOf(edges);
}

/** The input of a month, where it differs from the input of its last release. */
function dueOf(
  book: Book,
  month: Interval,
  { instant, sequence, zones }: AsOf,
  least: number,
): string | undefined {
  const to = Math.min(month.to, instant);
  const within = book.names.filter(({ until, first }) => until > month.from && first <= sequence);
  // Samples that begin later may hide samples that reach beyond the month's end.
  const reach = within.reduce((most, { from, until }) => (from < to ? Math.max(most, until) : most), to);
  const reaching = within.filter(({ from }) => from < reach);
  const seenAt = book.months.get(monthOf(month.from + HALF_A_MONTH_MS));
  const told = [monthOf(month.from), monthOf(month.to - 1)].some(
    (m) => (book.months.get(m)?.lots.length ?? 0) > 0,
  );
  if (!reaching.some(({ from }) => from < to) && !told) return undefined;
  const seen = createHash("sha256")
    .update(
      JSON.stringify([
        [month.from, month.to],
        month.to <= instant ? "ended" : instant,
        reaching.some(({ last }) => last > sequence) ? sequence : "all",
        reaching.map(({ name }) => name).sort(),
        zones,
        least,
      ]),
    )
    .digest("base64url");
  return seenAt?.seen === seen ? undefined : seen;
}

/** Whole buckets that have ended. */
function bucketsOf(
  { instant, zones }: AsOf,
  bounds: Interval,
  month: Interval,
): Readonly<Record<LotLevel, readonly Interval[]>> {
  const whole = (unit: BucketUnit & LotLevel) => {
    const edges = bucketEdges(zones, unit, bounds, MAX_MONTHS)!;
    return intervalsOf(edges).filter(
      ({ from, to }) =>
        from >= month.from && to <= Math.min(month.to, instant) && to - from >= NOMINAL_MS[unit],
    );
  };
  return { hour: whole("hour"), day: whole("day"), month: whole("month") };
}

function intervalsOf(edges: Float64Array): Interval[] {
  return Array.from(edges.subarray(1), (to, i) => ({ from: edges[i]!, to }));
}

/** Empty for coded values. */
function shownOf({ columns, ranks }: Run): ShownRun[] {
  const { times, values, unit } = columns;
  switch (values.kind) {
    case "decimal": {
      const { scale, mantissas } = values;
      return [{ times, ranks: ranks!(), components: [{ coding: null, unit, scale, mantissas }] }];
    }
    case "components":
      return [{ times, ranks: ranks!(), components: values.components }];
    case "coded":
      return [];
  }
}

function newestOf(runs: readonly Run[]): MonthOfLots["newest"] {
  let newest: MonthOfLots["newest"];
  for (const { source, sequence } of runs) {
    if (newest === undefined || sequence >= newest.rank) newest = { source, rank: sequence };
  }
  return newest;
}

/** The changed months, and the month that stores the input of the patient's month. */
function nextMonths(
  book: Book,
  month: Interval,
  told: ReadonlyMap<number, ToldSamples>,
  { made, changed, told: inside }: Release,
  kept: Pick<MonthOfLots, "seen" | "newest">,
): NextMonth[] {
  const keeper = monthOf(month.from + HALF_A_MONTH_MS);
  const now = new Map(changed.map((lot) => [lot.id, lot]));
  return [...told].flatMap(([m, before]): NextMonth[] => {
    const known = book.months.get(m);
    const added = made.filter(({ id }) => monthOfLot(id) === m);
    const bounds = { from: Math.max(month.from, startOf(m)), to: Math.min(month.to, startOf(m + 1)) };
    const after = concatTold([
      sliceTold(before, { from: Number.NEGATIVE_INFINITY, to: month.from }),
      sliceTold(inside, bounds),
      sliceTold(before, { from: month.to, to: Number.POSITIVE_INFINITY }),
    ]);
    const empty = known === undefined && added.length === 0 && after.times.length === 0;
    if (m !== keeper && (made.length === 0 || empty)) return [];
    const lots = [...(known?.lots ?? []).map((lot) => now.get(lot.id) ?? lot), ...added];
    const { seen, newest } = m === keeper ? kept : { seen: known?.seen ?? "", newest: known?.newest };
    return [{ month: m, stored: known?.stored, lots, seen, newest, told: after }];
  });
}

function openedOf({ months }: Book, interval: Interval): OpenedLots {
  const known = [...months.values()];
  const lots = known.flatMap((month) => month.lots).sort((a, b) => a.from - b.from);
  const newest = known.flatMap((month) =>
    month.newest === undefined ? [] : [{ ...boundsOf(month.month), ...month.newest }],
  );
  return { ...interval, lots, newest };
}

function toldWithin({ lots, newest }: OpenedLots, { from, to }: Interval): Told {
  const of = newest.filter((month) => month.to > from && month.from < to);
  return {
    lots: lots.filter((lot) => lot.from >= from && lot.to <= to),
    newest: of.reduce<Told["newest"]>((a, b) => (a === undefined || b.rank > a.rank ? b : a), undefined),
  };
}
