import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { SourceFilter } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Erasure_State } from "@wellapi/gen/wellapi/records/v1/records_pb";
import {
  AggregateSeriesRequestSchema,
  ListObservationsRequestSchema,
  ListSeriesRequestSchema,
  QuerySeriesRequestSchema,
  type RecordsService,
  type WatchSeriesRequest,
  WatchSeriesRequestSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { ReceiptKey } from "@wellapi/receipts";
import {
  callerKey,
  type PageQuery,
  type PageTokens,
  partyOf,
  patientHeader,
  queryDigest,
} from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import type { ObservationPosition } from "../blocks/observation-repository.ts";
import type { Intent } from "../gate/intent.ts";
import { ALWAYS, type Interval } from "../model/interval.ts";
import { observationPlace } from "../model/observation-id.ts";
import type { AggregatePosition } from "../read/aggregate-page.ts";
import { type AggregateSeriesDeps, aggregateSeries } from "../read/aggregate-series.ts";
import { type ListPosition, listSeries } from "../read/list-series.ts";
import { querySeries, type SeriesPosition } from "../read/query-series.ts";
import { getObservation, listObservations, type ReadObservationsDeps } from "../read/read-observations.ts";
import { readSeries } from "../read/read-series.ts";
import { type WatchSeriesDeps, watchSeries } from "../read/watch-series.ts";
import type { Erase } from "../write/erase.ts";
import type { Erasure } from "../write/erasure.ts";
import { codeKeyOf } from "./code-selector.ts";
import { intervalOf } from "./convert.ts";
import { erasureReceipt } from "./erasure-receipt-convert.ts";
import { methodOf } from "./method-convert.ts";
import { aggregateInit, bucketUnitOf, presenterFor } from "./read-convert.ts";
import { sourceFilterOf } from "./source-convert.ts";

export interface ReadHandlersDeps extends AggregateSeriesDeps, WatchSeriesDeps, ReadObservationsDeps {
  readonly erase: Erase;
  /** Signs receipts of erasures. */
  readonly receiptKey: Pick<ReceiptKey, "sign">;
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  readonly region: string;
  /** How long backups may hold a destroyed key. */
  readonly backupRetentionMs: number;
}

const SAMPLES_A_PAGE = { usual: 1_000, most: 10_000 };
/** A bucket takes some 300 bytes of JSON. */
const BUCKETS_A_PAGE = { usual: 1_000, most: 2_000 };
const SERIES_A_PAGE = { usual: 50, most: 200 };
const OBSERVATIONS_A_PAGE = { usual: 50, most: 1_000 };

export function createReadHandlers(deps: ReadHandlersDeps): ServiceImpl<typeof RecordsService> {
  const present = presenterFor(deps);
  const codeKey = (coding: { readonly system: string; readonly code: string }) =>
    codeKeyOf(deps.terminology, coding);
  const { pageTokens, pairwise, backupRetentionMs, receiptKey } = deps;
  const sourcesOf = ({ caller }: Intent, { sources }: { readonly sources?: SourceFilter | undefined }) =>
    sourceFilterOf(pairwise, partyOf(caller), sources);

  /** Of a read; says to the door whose data the answer carries. */
  const readIntent = (...[request, codes, interval, context]: Parameters<typeof intentOf>) => {
    const intent = intentOf(request, codes, interval, context);
    const { partition } = deps.gate.subject(intent.caller, intent.patient);
    context.responseHeader.set(patientHeader, partition);
    return intent;
  };

  const erasureIntent = (patient: string, context: HandlerContext) =>
    intentOf({ patient, purpose: Purpose.PATIENT_REQUEST }, [], ALWAYS, context);

  const doneErasure = async (patient: string, erasure: Erasure) => ({
    id: erasure.id,
    state: Erasure_State.DONE,
    receipt: await erasureReceipt(receiptKey, patient, erasure, backupRetentionMs),
  });

  return {
    async *readSeries(request, context) {
      const code = codeKey(request.code!);
      const { unit, digits } = request;
      const interval = intervalOf(request.interval);
      const intent = readIntent(request, [code], interval, context);
      const query = { code, interval, sources: sourcesOf(intent, request), wanted: { unit, digits } };
      for await (const payload of readSeries(deps, intent, query)) {
        yield { payload: await present.read(intent, code, payload) };
      }
    },

    async *watchSeries(request, context) {
      const intent = readIntent(request, [...new Set(request.codes.map(codeKey))], ALWAYS, context);
      const resume = resumptionOf(pageTokens, intent, request);
      const sources = sourcesOf(intent, request);
      const watching = watchSeries(deps, intent, sources, resume.after, context.signal);
      for await (const { payload, position } of watching) {
        yield { payload: await present.watch(intent, payload), resumeToken: resume.token(position) };
      }
    },

    async querySeries(request, context) {
      const code = codeKey(request.code!);
      const { unit, digits } = request;
      const interval = intervalOf(request.interval);
      const intent = readIntent(request, [code], interval, context);
      const pages = pagesOf<typeof QuerySeriesRequestSchema, SeriesPosition>(
        pageTokens,
        intent,
        QuerySeriesRequestSchema,
        request,
      );
      const page = await querySeries(
        deps,
        intent,
        { code, interval, sources: sourcesOf(intent, request), wanted: { unit, digits } },
        pageSize(request.pageSize, SAMPLES_A_PAGE),
        pages.position,
      );
      return {
        series: await Promise.all(page.runs.map((run) => present.run(intent, code, run))),
        nextPageToken: pages.token(page.next),
        access: page.access,
      };
    },

    async listSeries(request, context) {
      const codes = [...new Set(request.codes.map(codeKey))];
      const intent = readIntent(request, codes, ALWAYS, context);
      const pages = pagesOf<typeof ListSeriesRequestSchema, ListPosition>(
        pageTokens,
        intent,
        ListSeriesRequestSchema,
        request,
      );
      const query = { codes, sources: sourcesOf(intent, request) };
      const size = pageSize(request.pageSize, SERIES_A_PAGE);
      const page = await listSeries(deps, intent, query, size, pages.position);
      const series = page.series.map(async (info) =>
        present.seriesInfo(info, await present.source(intent, info.source)),
      );
      return {
        series: await Promise.all(series),
        nextPageToken: pages.token(page.next),
        access: page.access,
      };
    },

    async aggregateSeries(request, context) {
      const code = codeKey(request.code!);
      const { unit, digits } = request;
      const interval = intervalOf(request.interval);
      const intent = readIntent(request, [code], interval, context);
      const pages = pagesOf<typeof AggregateSeriesRequestSchema, AggregatePosition>(
        pageTokens,
        intent,
        AggregateSeriesRequestSchema,
        request,
      );
      const query = { code, interval, sources: sourcesOf(intent, request), wanted: { unit, digits } };
      const bucketUnit = bucketUnitOf(request.bucketSize);
      const size = pageSize(request.pageSize, BUCKETS_A_PAGE);
      const answer = await aggregateSeries(deps, intent, query, bucketUnit, size, pages.position);
      const aggregates = answer.aggregates.map(async (aggregate) =>
        aggregateInit(aggregate, await present.source(intent, aggregate.source)),
      );
      return {
        aggregates: await Promise.all(aggregates),
        access: answer.access,
        nextPageToken: pages.token(answer.next),
      };
    },

    async listObservations(request, context) {
      const code = codeKey(request.code!);
      const interval = intervalOf(request.interval);
      const intent = readIntent(request, [code], interval, context);
      const pages = pagesOf<typeof ListObservationsRequestSchema, ObservationPosition>(
        pageTokens,
        intent,
        ListObservationsRequestSchema,
        request,
      );
      const size = pageSize(request.pageSize, OBSERVATIONS_A_PAGE);
      const query = { code, interval, sources: sourcesOf(intent, request) };
      const page = await listObservations(deps, intent, query, size, pages.position);
      return {
        observations: await present.observations(intent, page.observations),
        nextPageToken: pages.token(page.next),
        access: page.access,
      };
    },

    async getObservation(request, context) {
      const intent = readIntent(request, [], ALWAYS, context);
      const place = observationPlace(pairwise, partyOf(intent.caller), request.observation);
      const found = await getObservation(deps, intent, ALWAYS, place);
      const [observation] = await present.observations(intent, [found.observation]);
      return { observation: observation!, access: found.access };
    },

    async erasePatient({ patient }, context) {
      const erasure = await deps.erase.erase(erasureIntent(patient, context));
      return { erasure: await doneErasure(patient, erasure) };
    },

    async getErasure({ patient }, context) {
      const progress = await deps.erase.progress(erasureIntent(patient, context));
      if (progress.state === "done") return { erasure: await doneErasure(patient, progress.erasure) };
      return { erasure: { id: progress.id, state: Erasure_State.RUNNING } };
    },
  };
}

function intentOf(
  { patient, purpose }: { readonly patient: string; readonly purpose: Purpose },
  codes: readonly string[],
  interval: Interval,
  context: HandlerContext,
): Intent {
  const caller = context.values.get(callerKey);
  return { caller, method: methodOf(context), patient, direction: "read", purpose, codes, interval };
}

function pageSize(asked: number, { usual, most }: { readonly usual: number; readonly most: number }): number {
  return asked === 0 ? usual : Math.min(asked, most);
}

/** Positions as page tokens that hold for this caller and query alone. Throws PageTokenError. */
function pagesOf<S extends DescMessage, P>(
  pageTokens: PageTokens,
  intent: Intent,
  schema: S,
  request: MessageShape<S> & { readonly pageToken: string },
) {
  const query: PageQuery = {
    caller: intent.caller,
    method: intent.method,
    digest: queryDigest(schema, request),
  };
  const open = (token: string) => JSON.parse(Buffer.from(pageTokens.open(query, token)).toString()) as P;
  return {
    position: request.pageToken === "" ? undefined : open(request.pageToken),
    token: (next: P | undefined) =>
      next === undefined ? "" : pageTokens.seal(query, Buffer.from(JSON.stringify(next))),
  };
}

const POSITION_BYTES = 8;

/** Commit sequences as tokens that hold for this caller and watch alone, all of one length. Throws PageTokenError. */
function resumptionOf(pageTokens: PageTokens, intent: Intent, request: WatchSeriesRequest) {
  const query: PageQuery = {
    caller: intent.caller,
    method: intent.method,
    digest: queryDigest(WatchSeriesRequestSchema, request),
    field: "resume_token",
  };
  const { resumeToken } = request;
  return {
    after: resumeToken === "" ? undefined : Buffer.from(pageTokens.open(query, resumeToken)).readDoubleBE(),
    token(sequence: number): string {
      const position = Buffer.alloc(POSITION_BYTES);
      position.writeDoubleBE(sequence);
      return pageTokens.seal(query, position);
    },
  };
}
