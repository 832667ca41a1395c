import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import type { CallOptions, Client } from "@connectrpc/connect";
import {
  type MergedStretch,
  MergeNothing,
  type SeriesInfo,
  type SourceAggregate,
  type SourcedSeries,
  type StoredObservation,
} from "@wellapi/gen/wellapi/records/v1/records_pb";
import type {
  AggregateSeriesRequestSchema,
  ListObservationsRequestSchema,
  ListSeriesRequestSchema,
  MergeSeriesRequestSchema,
  QuerySeriesRequestSchema,
  ReadEnd,
  ReadSeriesRequestSchema,
  ReadStart,
  RecordsService,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { ClientError } from "./errors.ts";
import { paginate } from "./pages.ts";

/** A client of `RecordsService`. */
export type RecordsClient = Client<typeof RecordsService>;

/** A request without the page token, which this library sets. */
export type Query<D extends DescMessage> = Omit<MessageInitShape<D>, "$typeName" | "pageToken">;

/** Callbacks of a streamed read, beside the samples. */
export interface ReadSeriesOptions extends CallOptions {
  /** The authorized part, with the read's entry in the log. Comes before the first samples. */
  readonly onStart?: (start: ReadStart) => void;
  readonly onEnd?: (end: ReadEnd) => void;
}

/**
 * Streams the samples of one code, in bounded memory for any interval. The server decides anew for each message: a
 * revocation ends the stream with WellApiError `CONSENT_REVOKED`. Throws ClientError `cut` if the answer ended early;
 * samples are then missing.
 */
export async function* readSeries(
  client: RecordsClient,
  request: Query<typeof ReadSeriesRequestSchema>,
  options: ReadSeriesOptions = {},
): AsyncGenerator<SourcedSeries, void, undefined> {
  const { onStart, onEnd, ...call } = options;
  let ended = false;
  for await (const { payload } of client.readSeries(request, call)) {
    if (payload.case === "start") onStart?.(payload.value);
    if (payload.case === "series") yield payload.value;
    if (payload.case === "end") {
      ended = true;
      onEnd?.(payload.value);
    }
  }
  if (!ended) throw new ClientError("cut", "the answer was cut off: what came is not all; read again");
}

/** Reads the samples of one code in pages; each page is a separate call with an entry in the log. */
export function querySeries(
  client: RecordsClient,
  request: Query<typeof QuerySeriesRequestSchema>,
  options?: CallOptions,
): AsyncGenerator<SourcedSeries, void, undefined> {
  return paginate(
    (pageToken) => client.querySeries({ ...request, pageToken }, options),
    (page) => page.series,
  );
}

/** Lists the series of a patient that the caller may read. */
export function listSeries(
  client: RecordsClient,
  request: Query<typeof ListSeriesRequestSchema>,
  options?: CallOptions,
): AsyncGenerator<SeriesInfo, void, undefined> {
  return paginate(
    (pageToken) => client.listSeries({ ...request, pageToken }, options),
    (page) => page.series,
  );
}

/** Aggregates by bucket. A source whose buckets continue on the next page comes once for each page. */
export function aggregateSeries(
  client: RecordsClient,
  request: Query<typeof AggregateSeriesRequestSchema>,
  options?: CallOptions,
): AsyncGenerator<SourceAggregate, void, undefined> {
  return paginate(
    (pageToken) => client.aggregateSeries({ ...request, pageToken }, options),
    (page) => page.aggregates,
  );
}

/** Callbacks of a merged line, beside its stretches. */
export interface MergeSeriesOptions extends CallOptions {
  /** There is no line, and why. */
  readonly onNothing?: (nothing: MergeNothing) => void;
}

/** One line of the samples of several devices, by the rule that the request names. A page's end parts a stretch. */
export function mergeSeries(
  client: RecordsClient,
  request: Query<typeof MergeSeriesRequestSchema>,
  options: MergeSeriesOptions = {},
): AsyncGenerator<MergedStretch, void, undefined> {
  const { onNothing, ...call } = options;
  return paginate(
    async (pageToken) => {
      const page = await client.mergeSeries({ ...request, pageToken }, call);
      if (page.nothing !== MergeNothing.UNSPECIFIED) onNothing?.(page.nothing);
      return page;
    },
    (page) => page.stretches,
  );
}

/** Lists observations, newest first. */
export function listObservations(
  client: RecordsClient,
  request: Query<typeof ListObservationsRequestSchema>,
  options?: CallOptions,
): AsyncGenerator<StoredObservation, void, undefined> {
  return paginate(
    (pageToken) => client.listObservations({ ...request, pageToken }, options),
    (page) => page.observations,
  );
}
