import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { SampleOrder } from "@wellapi/gen/wellapi/records/v1/records_pb";
import {
  AggregateSeriesRequestSchema,
  ListSeriesRequestSchema,
  type QuerySeriesRequest,
  QuerySeriesRequestSchema,
  type RecordsService,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { ListPage, PageTokens } from "@wellapi/rpc";
import type { Intent } from "../gate/intent.ts";
import { ALWAYS, hullOf } from "../model/interval.ts";
import type { AggregatePosition } from "../read/aggregates/aggregate-page.ts";
import { type AggregateSeriesDeps, aggregateSeries } from "../read/aggregates/aggregate-series.ts";
import { type ListPosition, listSeries } from "../read/list-series.ts";
import { type DaysPage, type DaysPosition, type DaysQuery, queryDays } from "../read/query-days.ts";
import { querySeries, type SeriesPosition } from "../read/query-series.ts";
import { readSeries } from "../read/read-series.ts";
import { type WatchSeriesDeps, watchSeries } from "../read/watch-series.ts";
import { kindsOf, oneCode, severalCodes } from "./asked-codes-convert.ts";
import { intervalOf } from "./convert.ts";
import { pageOf, resumptionOf } from "./page-position-convert.ts";
import { aggregateInit, bucketUnitOf, type Presenter } from "./read-convert.ts";
import type { ReadRequests } from "./read-request-convert.ts";

const SAMPLES_A_PAGE = { usual: 1_000, most: 10_000 };
/** A bucket takes some 300 bytes of JSON. */
const BUCKETS_A_PAGE = { usual: 1_000, most: 2_000 };
const SERIES_A_PAGE = { usual: 50, most: 200 };

export interface SeriesHandlersDeps extends AggregateSeriesDeps, WatchSeriesDeps {
  readonly pageTokens: PageTokens;
}

type Handlers = ServiceImpl<typeof RecordsService>;

/** Samples as a stream: stored ones, and arriving ones. */
export function createStreamHandlers(
  deps: SeriesHandlersDeps,
  { codeKey, sourcesOf, intentOf }: ReadRequests,
  present: Presenter,
): Pick<Handlers, "readSeries" | "watchSeries"> {
  const { pageTokens } = deps;
  return {
    async *readSeries(request, context) {
      const code = codeKey(request.code!);
      const { unit, digits } = request;
      const interval = intervalOf(request.interval);
      const intent = intentOf(request, [code], interval, context);
      const query = { code, interval, sources: sourcesOf(intent, request), wanted: { unit, digits } };
      for await (const payload of readSeries(deps, intent, query, context.signal, (part) =>
        present.read(intent, code, part),
      )) {
        yield { payload };
      }
    },

    async *watchSeries(request, context) {
      const intent = intentOf(request, [...new Set(request.codes.map(codeKey))], ALWAYS, context);
      const resume = resumptionOf(pageTokens, intent, request);
      const sources = sourcesOf(intent, request);
      const watching = watchSeries(deps, intent, sources, resume.after, context.signal);
      for await (const { payload, position } of watching) {
        yield { payload: await present.watch(intent, payload), resumeToken: resume.token(position) };
      }
    },
  };
}

/** A page of samples by the day that was asked for. */
export interface AskedDays {
  readonly query: DaysQuery;
  readonly page: ListPage<DaysPosition>;
}

/** `intent`: of QuerySeries. Throws PageTokenError. */
export function askedDays(
  pageTokens: PageTokens,
  { codeKey, sourcesOf }: ReadRequests,
  intent: Intent,
  request: QuerySeriesRequest,
): AskedDays {
  const { unit, digits, order } = request;
  const page = pageOf<typeof QuerySeriesRequestSchema, DaysPosition>(
    pageTokens,
    intent,
    QuerySeriesRequestSchema,
    request,
    SAMPLES_A_PAGE,
  );
  const query = {
    codes: severalCodes(request)?.map(codeKey),
    interval: intervalOf(request.interval),
    sources: sourcesOf(intent, request),
    kinds: kindsOf(request.origin),
    wanted: { unit, digits },
    descending: order === SampleOrder.NEWEST_DAY,
  };
  return { query, page };
}

export async function daysAnswer(
  present: Presenter,
  intent: Intent,
  { page }: AskedDays,
  { runs, next, access }: DaysPage,
) {
  return {
    series: await Promise.all(runs.map(({ code, run }) => present.run(intent, code, run))),
    nextPageToken: page.token(next),
    access,
  };
}

/** Samples and series in pages. */
export function createPageHandlers(
  deps: SeriesHandlersDeps,
  requests: ReadRequests,
  present: Presenter,
): Pick<Handlers, "querySeries" | "listSeries"> {
  const { pageTokens } = deps;
  const { codeKey, sourcesOf, intentOf } = requests;

  async function byDay(request: QuerySeriesRequest, context: HandlerContext) {
    const codes = severalCodes(request)?.map(codeKey) ?? [];
    const intent = intentOf(request, codes, intervalOf(request.interval), context);
    const asked = askedDays(pageTokens, requests, intent, request);
    const found = await queryDays(deps, intent, asked.query, asked.page.limit, asked.page.after);
    return daysAnswer(present, intent, asked, found);
  }

  return {
    async querySeries(request, context) {
      if (request.order !== SampleOrder.UNSPECIFIED) return byDay(request, context);
      const code = codeKey(oneCode(request));
      const { unit, digits } = request;
      const interval = intervalOf(request.interval);
      const intent = intentOf(request, [code], interval, context);
      const asked = pageOf<typeof QuerySeriesRequestSchema, SeriesPosition>(
        pageTokens,
        intent,
        QuerySeriesRequestSchema,
        request,
        SAMPLES_A_PAGE,
      );
      const sources = sourcesOf(intent, request);
      const kinds = kindsOf(request.origin);
      const query = { code, interval, sources, kinds, wanted: { unit, digits } };
      const page = await querySeries(deps, intent, query, asked.limit, asked.after);
      return {
        series: await Promise.all(page.runs.map((run) => present.run(intent, code, run))),
        nextPageToken: asked.token(page.next),
        access: page.access,
      };
    },

    async listSeries(request, context) {
      const codes = [...new Set(request.codes.map(codeKey))];
      const intent = intentOf(request, codes, ALWAYS, context);
      const asked = pageOf<typeof ListSeriesRequestSchema, ListPosition>(
        pageTokens,
        intent,
        ListSeriesRequestSchema,
        request,
        SERIES_A_PAGE,
      );
      const query = { codes, sources: sourcesOf(intent, request) };
      const page = await listSeries(deps, intent, query, asked.limit, asked.after);
      const series = page.series.map(async (info) =>
        present.seriesInfo(info, await present.source(intent, info.source, { ...info, finest: "daily" })),
      );
      return {
        series: await Promise.all(series),
        nextPageToken: asked.token(page.next),
        access: page.access,
      };
    },
  };
}

/** Aggregates of samples in pages. */
export function createAggregateHandlers(
  deps: SeriesHandlersDeps,
  { codeKey, sourcesOf, intentOf }: ReadRequests,
  present: Presenter,
): Pick<Handlers, "aggregateSeries"> {
  const { pageTokens } = deps;
  return {
    async aggregateSeries(request, context) {
      const code = codeKey(request.code!);
      const { unit, digits } = request;
      const interval = intervalOf(request.interval);
      const intent = intentOf(request, [code], interval, context);
      const asked = pageOf<typeof AggregateSeriesRequestSchema, AggregatePosition>(
        pageTokens,
        intent,
        AggregateSeriesRequestSchema,
        request,
        BUCKETS_A_PAGE,
      );
      const query = { code, interval, sources: sourcesOf(intent, request), wanted: { unit, digits } };
      const bucketUnit = bucketUnitOf(request.bucketSize);
      const answer = await aggregateSeries(deps, intent, query, bucketUnit, asked.limit, asked.after);
      const aggregates = answer.aggregates.map(async (aggregate) =>
        aggregateInit(
          aggregate,
          await present.source(intent, aggregate.source, {
            code,
            span: hullOf(aggregate.buckets) ?? ALWAYS,
            finest: answer.finest,
          }),
        ),
      );
      return {
        aggregates: await Promise.all(aggregates),
        access: answer.access,
        nextPageToken: asked.token(answer.next),
      };
    },
  };
}
