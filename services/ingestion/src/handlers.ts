import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { createClient, type HandlerContext, type ServiceImpl, type Transport } from "@connectrpc/connect";
import type {
  BatchReceipt,
  ObservationBatch,
  SeriesBatch,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import {
  type IngestionService,
  StreamObservationsRequestSchema,
  type StreamObservationsResponseSchema,
  StreamSeriesRequestSchema,
  type StreamSeriesResponseSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsWriteService } from "@wellapi/gen/wellapi/records/v1/records_write_service_pb";
import { problemError, problemFor, toFailure, validateMessage } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import { checkObservationBatch, checkSeriesBatch, oversized } from "./batch-check.ts";
import { findingsInit, observationItem, seriesItem } from "./convert.ts";
import { IngestionError } from "./errors.ts";
import { answerInFlight } from "./in-flight.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Batches of one stream that are read and not yet answered. Stated in the contract. */
const BATCHES_IN_FLIGHT = 16;

export function createIngestionHandlers(deps: {
  /** To records, on behalf of the caller whose context values are passed along. */
  readonly records: Transport;
  readonly vocabulary: Vocabulary;
  readonly clock: Clock;
}): ServiceImpl<typeof IngestionService> {
  const { vocabulary, clock } = deps;
  const records = createClient(RecordsWriteService, deps.records);
  const forCaller = ({ values, signal }: HandlerContext) => ({ contextValues: values, signal });

  async function takeSeries(batch: SeriesBatch, context: HandlerContext): Promise<BatchReceipt> {
    const items = batch.series.map(seriesItem);
    const tooLarge = oversized(items);
    if (tooLarge !== undefined) throw new IngestionError(tooLarge);
    const findings = checkSeriesBatch(items, vocabulary, { timeZone: batch.timeZone, now: clock.now() });
    const request = { batch, ...findingsInit(findings) };
    return (await records.appendSeries(request, forCaller(context))).receipt!;
  }

  async function takeObservations(batch: ObservationBatch, context: HandlerContext): Promise<BatchReceipt> {
    const items = batch.observations.map(observationItem);
    const findings = checkObservationBatch(items, vocabulary, { timeZone: batch.timeZone, now: clock.now() });
    const request = { batch, ...findingsInit(findings) };
    return (await records.appendObservations(request, forCaller(context))).receipt!;
  }

  return {
    streamSeries: (requests, context): AsyncGenerator<MessageInitShape<typeof StreamSeriesResponseSchema>> =>
      answerStream(StreamSeriesRequestSchema, requests, ({ batch }) => takeSeries(batch!, context), context),
    streamObservations: (
      requests,
      context,
    ): AsyncGenerator<MessageInitShape<typeof StreamObservationsResponseSchema>> =>
      answerStream(
        StreamObservationsRequestSchema,
        requests,
        ({ batch }) => takeObservations(batch!, context),
        context,
      ),
    async createSeries({ batch }, context) {
      return { receipt: await takeSeries(batch!, context) };
    },
    async createObservations({ batch }, context) {
      return { receipt: await takeObservations(batch!, context) };
    },
    async retractBatch(retraction, context) {
      const { sequence } = await records.retractBatch({ retraction }, forCaller(context));
      return { sequence };
    },
  };
}

interface Answer {
  readonly requestId: string;
  readonly result:
    | { readonly case: "receipt"; readonly value: BatchReceipt }
    | { readonly case: "failure"; readonly value: ReturnType<typeof toFailure> };
}

type BatchMessage<S extends DescMessage> = MessageShape<S> & {
  readonly batch?: { readonly requestId: string };
};

/** Each message is checked for itself and answered for itself; what fails is said, and the stream goes on. */
function answerStream<S extends DescMessage>(
  schema: S,
  requests: AsyncIterable<BatchMessage<S>>,
  take: (request: BatchMessage<S>) => Promise<BatchReceipt>,
  context: HandlerContext,
): AsyncGenerator<Answer> {
  const answer = async (request: BatchMessage<S>): Promise<Answer> => {
    const requestId = request.batch?.requestId ?? "";
    try {
      const problem = validateMessage(schema, request);
      if (problem !== undefined) throw problemError(problem);
      return { requestId, result: { case: "receipt", value: await take(request) } };
    } catch (error) {
      return { requestId, result: { case: "failure", value: toFailure(problemFor(error)) } };
    }
  };
  return answerInFlight(requests, answer, BATCHES_IN_FLIGHT, context.signal);
}
