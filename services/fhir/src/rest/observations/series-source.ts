import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { SampleOrder, SampleOrigin, type SourcedSeries } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { FhirServiceError } from "../../errors.ts";
import { seriesObservationsOf } from "../../mapping/series-convert.ts";
import type { View } from "../../mapping/source-convert.ts";
import type { SearchedDates } from "../../search/dates.ts";
import type { SearchedToken } from "../../search/measured-codes.ts";
import { calling } from "../exchange.ts";
import type { ObservationReader } from "./joined-reads.ts";
import { compareFound, type Fetched, type Found, idOf, nothing, type Source } from "./source.ts";

export const dayMs = 86_400_000;
const samplesAPage = 5_000;
/** Pages of samples that are looked at for one page of ours, once a day is whole. */
const mostPages = 20;
/** What begins before the asked time may reach into it. What lasts longer than a day is found by its beginning alone. */
export const reachMs = dayMs;

export interface SeriesQuery {
  readonly records: ObservationReader["measurements"];
  readonly view: View;
  readonly purpose: Purpose;
  /** Undefined: all that the reader may read. */
  readonly codes: readonly SearchedToken[] | undefined;
  readonly dates: SearchedDates | undefined;
  readonly descending: boolean;
  /** Whether it is searched for. */
  readonly wanted: (found: Found) => boolean;
}

/** Where a page ended: everything up to here, and of this time up to this id, was told. */
interface Position {
  readonly ms: number;
  readonly id: string;
}

/** Behind every id. */
const lastId = "~";

/** Observations that are made of samples. They are made of whole days of UTC, wherever a search begins: so each is always the same. */
export function seriesSource(query: SeriesQuery): Source {
  return {
    async fetch(position, need) {
      const start = position === "" ? undefined : parsePosition(position);
      const days = dayRange(query, start);
      if (days.from !== undefined && days.to !== undefined && days.from >= days.to) return nothing;
      return fetchDays(query, days, start, need);
    },
  };
}

async function fetchDays(
  query: SeriesQuery,
  days: SearchedDates,
  start: Position | undefined,
  need: number,
): Promise<Fetched> {
  const { view, descending, wanted } = query;
  const isLeft = (one: Found) =>
    start === undefined || isBehind({ ms: one.ms, id: idOf(one) }, start, descending);
  const found: Found[] = [];
  let open: readonly SourcedSeries[] = [];
  let pageToken = "";
  let whole: Position | undefined;
  for (let page = 1; ; page++) {
    const answer = await query.records.querySeries(requestOf(query, days, pageToken), calling);
    pageToken = answer.nextPageToken;
    const all = [...open, ...answer.series];
    // The day in which a page of samples ends may go on in the next one.
    const openDay = pageToken === "" || all.length === 0 ? undefined : dayOfSeries(all.at(-1)!);
    const closed = all.filter((one) => dayOfSeries(one) !== openDay);
    open = all.filter((one) => dayOfSeries(one) === openDay);
    if (closed.length > 0) whole = endOfDay(dayOfSeries(closed.at(-1)!), descending);
    found.push(...seriesObservationsOf(view, closed).filter(isLeft).filter(wanted));
    if (pageToken === "" || found.length >= need || (page >= mostPages && whole !== undefined)) break;
  }
  found.sort((a, b) => compareFound(a, b, descending));
  return {
    found,
    more: pageToken !== "",
    async after(told) {
      if (told === found.length) return pageToken === "" ? undefined : formatPosition(whole!);
      const last = found[told - 1];
      if (last === undefined) return start === undefined ? "" : formatPosition(start);
      return formatPosition({ ms: last.ms, id: idOf(last) });
    },
  };
}

function requestOf(
  { view, purpose, codes, descending }: SeriesQuery,
  { from, to }: SearchedDates,
  pageToken: string,
) {
  return {
    patient: view.patient,
    purpose,
    ...(codes !== undefined && { codes: [...codes] }),
    interval: {
      ...(from !== undefined && { startTime: timestampFromMs(from) }),
      ...(to !== undefined && { endTime: timestampFromMs(to) }),
    },
    order: descending ? SampleOrder.NEWEST_DAY : SampleOrder.OLDEST_DAY,
    origin: SampleOrigin.SERIES,
    pageSize: samplesAPage,
    pageToken,
  };
}

/** Whole days of UTC that hold what is searched for and is left. */
function dayRange({ dates, descending }: SeriesQuery, start: Position | undefined): SearchedDates {
  const from = dates?.from === undefined ? undefined : dayOf(dates.from - reachMs) * dayMs;
  const to = dates?.to === undefined ? undefined : (dayOf(dates.to - 1) + 1) * dayMs;
  if (start === undefined) return rangeOf(from, to);
  const day = dayOf(start.ms);
  return descending
    ? rangeOf(from, Math.min(to ?? Number.POSITIVE_INFINITY, (day + 1) * dayMs))
    : rangeOf(Math.max(from ?? Number.NEGATIVE_INFINITY, day * dayMs), to);
}

function rangeOf(from: number | undefined, to: number | undefined): SearchedDates {
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

export function dayOf(ms: number): number {
  return Math.floor(ms / dayMs);
}

/** Each message is of one day. */
function dayOfSeries({ series }: SourcedSeries): number {
  const start = series?.times?.start;
  return start?.case === "startTime" ? dayOf(timestampMs(start.value)) : Number.NaN;
}

function endOfDay(day: number, descending: boolean): Position {
  return { ms: descending ? day * dayMs : (day + 1) * dayMs - 1, id: lastId };
}

function isBehind(one: Position, other: Position, descending: boolean): boolean {
  if (one.ms === other.ms) return one.id > other.id;
  return descending ? one.ms < other.ms : one.ms > other.ms;
}

function formatPosition({ ms, id }: Position): string {
  return `${ms}/${id}`;
}

/** It comes from a client: a place that no search has ended at only begins elsewhere. */
function parsePosition(text: string): Position {
  const [, ms, id] = /^(-?\d{1,15})\/(.*)$/.exec(text) ?? [];
  if (ms === undefined) throw new FhirServiceError("INVALID_REQUEST", "_page is not one of this search");
  return { ms: Number(ms), id: id! };
}
