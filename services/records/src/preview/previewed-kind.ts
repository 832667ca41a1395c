import type { StoredObservation } from "../blocks/observation-scan.ts";
import type { Run } from "../blocks/winners.ts";
import { RecordsError } from "../errors.ts";
import type { Foreseen } from "../gate/consent-client.ts";
import { unlessLeftOut } from "../gate/left-out.ts";
import { hasMasks, hidesDevices, type Mask, masksAt } from "../gate/masks.ts";
import { type CodePermit, type ConsentPermit, rawPermit } from "../gate/permit.ts";
import type { PreviewRead } from "../gate/preview-reading.ts";
import type { Read } from "../gate/reading.ts";
import { bucketEdges } from "../model/calendar.ts";
import type { Contributor } from "../model/contributor.ts";
import { ALWAYS, covers, coversTimes, hullOf, type Interval, subtract, unite } from "../model/interval.ts";
import type { AggregatePosition, SourcedAggregate } from "../read/aggregates/aggregate-page.ts";
import { type AnsweredAggregates, findAggregates, zonesOf } from "../read/aggregates/aggregate-series.ts";
import { findSeries, type ListPosition, type SeriesListPage } from "../read/list-series.ts";
import { findSamples } from "../read/query-series.ts";
import { findObservations } from "../read/read-observations.ts";
import { hasSamples, seriesAsTold, winnersAsTold } from "../read/readable-series.ts";
import { ANY_SOURCE, contributorOf } from "../read/source-filter.ts";
import { foundPages } from "./found-pages.ts";
import type { Amount, PreviewDeps, PreviewedKind, PreviewedSums, Withheld } from "./preview.ts";

/** What is shown of each: the first ones. */
const SHOWN = 3;
const SERIES_A_PAGE = 200;
const OBSERVATIONS_A_PAGE = 1_000;
const AS_SENT = { unit: "", digits: undefined };

/** What is seen of one code, and what is not; undefined where the patient's own record has nothing of it. */
export async function previewKind(
  deps: PreviewDeps,
  read: PreviewRead,
  code: string,
): Promise<PreviewedKind | undefined> {
  const held = await amountOf(deps, read.own, code);
  if (held === undefined) return undefined;
  const { foreseen, theirs } = await read.foresee();
  const permitted = permitsOf(foreseen, code);
  const { permits = [] } = permitted;
  const isRaw = permits.some(({ fineness }) => fineness === "raw");
  const seen = isRaw ? await amountOf(deps, theirs, code) : undefined;
  return {
    code,
    held,
    seen,
    withheld: permitted.refused ?? (isRaw ? missing(held, seen, permits) : "coarser"),
    samples: isRaw ? await firstSamples(deps, theirs, code) : [],
    observations: isRaw ? await firstObservations(deps, theirs, code) : [],
    masks: await masksOf(deps, read, code, permits),
    sums: await sumsOf(deps, theirs, code, held.span, permits),
  };
}

/** Why a part is not seen. All that is permitted may be joined. Where each permit says whose data, it is that, although it may be a window, too. */
function missing(
  held: Amount,
  seen: Amount | undefined,
  permits: readonly ConsentPermit[],
): Withheld | undefined {
  const isAll = seen?.values === held.values && seen.observations === held.observations;
  if (isAll) return undefined;
  const raw = permits.filter(({ fineness }) => fineness === "raw");
  const everybody = raw.filter(({ sources }) => sources === undefined);
  if (hidesDevices(raw) && covers(unite(everybody.map(({ window }) => window)), ALWAYS)) return "joined";
  return raw.every(({ sources }) => sources !== undefined) ? "other_source" : "outside_window";
}

/** What is decided about a code: the permits, or why there is none. */
function permitsOf(
  foreseen: Foreseen,
  code: string,
): { readonly permits?: readonly ConsentPermit[]; readonly refused?: Withheld } {
  try {
    const decided = foreseen.decide(code);
    return { permits: decided.own ? [] : decided.permits };
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error;
    if (error.logged === "CONSENT_DENIED") return { refused: "denied" };
    return { refused: error.logged === "CONSENT_PURPOSE" ? "other_purpose" : "not_permitted" };
  }
}

/** As the reader's lists count it; undefined: they have nothing of it. */
async function amountOf(deps: PreviewDeps, read: Read, code: string): Promise<Amount | undefined> {
  const spans: Interval[] = [];
  let [values, observations] = [0, 0];
  await unlessLeftOut(
    (async () => {
      const listing = foundPages<SeriesListPage, ListPosition>((at) =>
        findSeries(deps, read, { codes: [code], sources: ANY_SOURCE }, SERIES_A_PAGE, at),
      );
      for await (const { series } of listing) {
        for (const { count, span } of series) {
          // Only sums are told of it.
          if (count === undefined) continue;
          values += count;
          spans.push(span);
        }
      }
      for await (const page of observationPages(deps, read, code)) {
        observations += page.observations.length;
        spans.push(...page.observations.map(spanOf));
      }
    })(),
  );
  const span = hullOf(spans);
  return span && { values, observations, span };
}

/** What is left out of what is seen. The patient's own observations are judged: those that are seen do not tell their device. */
async function masksOf(
  deps: PreviewDeps,
  { own }: PreviewRead,
  code: string,
  permits: readonly ConsentPermit[],
): Promise<readonly Mask[]> {
  const { partition } = own.subject;
  const codePermit = hasMasks(permits) ? rawPermit(permits, ALWAYS) : undefined;
  if (codePermit === undefined) return [];
  const { permits: raw, from } = codePermit;
  const masks = new Set<Mask>();
  if (await hidesDevice(deps, partition, code, codePermit)) masks.add("device");
  for await (const { observations } of observationPages(deps, own, code)) {
    for (const { record } of observations) {
      const contributor = await contributorOf(deps.vault, partition, raw, record.provenance);
      if (!coversTimes(from(contributor), [record.time])) continue;
      for (const mask of masksAt(raw, contributor, record.time)) masks.add(mask);
    }
  }
  return [...masks].sort();
}

/** Whether samples are seen without their device. */
async function hidesDevice(
  { blocks, vault }: PreviewDeps,
  partition: string,
  code: string,
  { from, named, permits }: CodePermit,
): Promise<boolean> {
  if (named === undefined) return false;
  const reach = (contributor: Contributor) => {
    return { all: subtract(from(contributor), named(contributor)), named: [] };
  };
  const query = { code, sources: ANY_SOURCE };
  const hidden = await seriesAsTold({ blocks, vault }, partition, query, permits, reach);
  return hasSamples(
    hidden.map((one) => ({
      intervals: one.parts.map(({ interval }) => interval),
      winners: (interval) => winnersAsTold(blocks, partition, one, interval),
    })),
  );
}

function observationPages(deps: PreviewDeps, read: Read, code: string) {
  const query = { codes: code, interval: ALWAYS, sources: ANY_SOURCE, descending: false };
  return foundPages<
    { readonly observations: readonly StoredObservation[]; readonly next: Position | undefined },
    Position
  >((at) => findObservations(deps, read, query, OBSERVATIONS_A_PAGE, at));
}

type Position = NonNullable<Parameters<typeof findObservations>[4]>;

function spanOf({ record: { time, durationMs } }: StoredObservation): Interval {
  return { from: time, to: time + Math.max(1, durationMs) };
}

async function firstSamples(deps: PreviewDeps, read: Read, code: string): Promise<readonly Run[]> {
  const kinds = { series: true, observations: true };
  const query = { code, interval: ALWAYS, sources: ANY_SOURCE, kinds, wanted: AS_SENT };
  const found = await unlessLeftOut(findSamples(deps, read, query, SHOWN, undefined));
  return found?.answer("").runs ?? [];
}

async function firstObservations(
  deps: PreviewDeps,
  read: Read,
  code: string,
): Promise<readonly StoredObservation[]> {
  const query = { codes: code, interval: ALWAYS, sources: ANY_SOURCE, descending: false };
  const found = await unlessLeftOut(findObservations(deps, read, query, SHOWN, undefined));
  return found?.answer("").observations ?? [];
}

const units = { hourly: "hour", daily: "day" } as const;
/** Buckets that are asked for at once, below what a call may ask for. */
const BUCKETS_A_CALL = 9_000;
const BUCKETS_A_PAGE = 2_000;
/** More hours than 60 years have. What reaches over more is a mistake of a clock, and its sums are not previewed. */
const MOST_BUCKETS = 530_000;

/** For each coarse resolution that is permitted, what is told of the interval. */
async function sumsOf(
  deps: PreviewDeps,
  read: Read,
  code: string,
  held: Interval,
  permits: readonly ConsentPermit[],
): Promise<readonly PreviewedSums[]> {
  const sums: PreviewedSums[] = [];
  for (const fineness of ["hourly", "daily"] as const) {
    if (!permits.some((permit) => permit.fineness === fineness)) continue;
    const told = await unlessLeftOut(toldOf(deps, read, code, held, fineness));
    if (told !== undefined) sums.push(told);
  }
  return sums;
}

async function toldOf(
  deps: PreviewDeps,
  read: Read,
  code: string,
  held: Interval,
  fineness: keyof typeof units,
): Promise<PreviewedSums | undefined> {
  const unit = units[fineness];
  const edges = bucketEdges(await zonesOf(deps, read.subject.partition), unit, held, MOST_BUCKETS);
  if (edges === undefined) return undefined;
  let buckets = 0;
  let span: Interval | undefined;
  let first: SourcedAggregate | undefined;
  for (let from = 0; from < edges.length - 1; from += BUCKETS_A_CALL) {
    const to = Math.min(from + BUCKETS_A_CALL, edges.length - 1);
    const interval = { from: edges[from]!, to: edges[to]! };
    const query = { code, interval, sources: ANY_SOURCE, wanted: AS_SENT };
    const answers = foundPages<AnsweredAggregates, AggregatePosition>((position) =>
      findAggregates(deps, read, query, unit, { size: BUCKETS_A_PAGE, position }),
    );
    for await (const { aggregates } of answers) {
      for (const aggregate of aggregates) {
        buckets += aggregate.buckets.length;
        span = hullOf([span, ...aggregate.buckets]);
        first ??= { ...aggregate, buckets: aggregate.buckets.slice(0, SHOWN) };
      }
    }
  }
  return span && first && { fineness, buckets, span, first };
}
