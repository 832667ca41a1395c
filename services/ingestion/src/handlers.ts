import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type Client, Code, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type {
  BatchReceipt,
  ObservationBatch,
  SeriesBatch,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import type { RecordsWriteService } from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import type { Failure } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import {
  callerKey,
  describeError,
  type Problem,
  problemOf,
  requestIdKey,
  requestTransferredKey,
  toFailure,
  validateMessage,
} from "@wellapi/rpc";
import { answerEach, type Logger } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { Terminology } from "@wellapi/terminology";
import { judgeObservationBatch, judgeSeriesBatch } from "./batch.ts";

import { fromFindings, toObservationBatch, toSeriesBatch } from "./convert.ts";
import { MAX_UNANSWERED_BATCHES } from "./limits.ts";
import { createVendorHandlers, type VendorAccount } from "./vendor-handlers.ts";

/** The streams whose messages are validated here, so that each bad message gets its own answer. */
export const ingestionSelfValidating = [
  IngestionService.method.streamSeries,
  IngestionService.method.streamObservations,
] as const;

/** Sending a batch again with its request_id is always safe, so a retry after a passed deadline is worthwhile. */
const RETRY_AFTER_DEADLINE_MS = 1_000;
const MAX_REQUEST_ID_LENGTH = 128;

/** What time it is for who sends, UTC milliseconds: what was measured after it is refused. Throws ConnectError UNAVAILABLE. */
async function timeOfSender(times: OrganizationTimes, { values }: HandlerContext): Promise<number> {
  const looking = times.look();
  if (looking !== undefined) await looking;
  return times.now(values.get(callerKey).principal.organization ?? "");
}

/** How a batch goes to records, with what was found wrong with it. */
function createTakes(deps: {
  readonly records: Client<typeof RecordsWriteService>;
  readonly terminology: Terminology;
  readonly times: OrganizationTimes;
}) {
  const { records, terminology, times } = deps;

  async function takeSeries(
    batch: SeriesBatch,
    context: HandlerContext,
    vendorAccount?: VendorAccount,
  ): Promise<BatchReceipt> {
    const now = await timeOfSender(times, context);
    const findings = judgeSeriesBatch(toSeriesBatch(batch), now, terminology);
    const request = {
      batch,
      method: methodOf(context),
      ...fromFindings(findings),
      ...accountOf(vendorAccount),
    };
    const { receipt } = await records.appendSeries(request, onBehalfOf(context));
    return receipt!;
  }

  async function takeObservations(
    batch: ObservationBatch,
    context: HandlerContext,
    vendorAccount?: VendorAccount,
  ): Promise<BatchReceipt> {
    const now = await timeOfSender(times, context);
    const findings = judgeObservationBatch(toObservationBatch(batch), now, terminology);
    const request = {
      batch,
      method: methodOf(context),
      ...fromFindings(findings),
      ...accountOf(vendorAccount),
    };
    const { receipt } = await records.appendObservations(request, onBehalfOf(context));
    return receipt!;
  }

  return { takeSeries, takeObservations };
}

export function createIngestionHandlers(deps: {
  readonly records: Client<typeof RecordsWriteService>;
  readonly terminology: Terminology;
  readonly times: OrganizationTimes;
  readonly log: Logger;
}): ServiceImpl<typeof IngestionService> {
  const { records, terminology, times, log } = deps;
  const { takeSeries, takeObservations } = createTakes(deps);

  /** What both streams do. */
  function answerBatches<B extends { readonly requestId: string }, S extends DescMessage>(
    schema: S,
    requests: AsyncIterable<MessageShape<S> & { readonly batch?: B | undefined }>,
    take: (batch: B, context: HandlerContext) => Promise<BatchReceipt>,
    context: HandlerContext,
  ) {
    type Result = { case: "receipt"; value: BatchReceipt } | { case: "failure"; value: Failure };
    async function judge(request: MessageShape<S> & { readonly batch?: B | undefined }): Promise<Result> {
      try {
        const problem = validateMessage(schema, request);
        if (problem !== undefined) return { case: "failure", value: toFailure(problem) };
        return { case: "receipt", value: await take(request.batch!, context) };
      } catch (error) {
        return { case: "failure", value: toFailure(problemOfBatch(error, context)) };
      }
    }
    return answerEach(
      requests,
      async (request) => ({
        requestId: echoed(request.batch?.requestId ?? ""),
        result: await judge(request),
      }),
      { limit: MAX_UNANSWERED_BATCHES, signal: context.signal },
    );
  }

  function problemOfBatch(thrown: unknown, context: HandlerContext): Problem {
    const { error, unexpected } = describeError(thrown);
    if (unexpected && !context.signal.aborted) {
      log.error(
        { err: thrown, rpc: methodOf(context), request_id: context.values.get(requestIdKey) },
        "unexpected error",
      );
    }
    const problem = problemOf(error);
    return problem.code === Code.DeadlineExceeded
      ? { ...problem, retryAfterMs: RETRY_AFTER_DEADLINE_MS }
      : problem;
  }

  return {
    ...createVendorHandlers({
      ...{ takeSeries, takeObservations, terminology },
      nowOf: (context) => timeOfSender(times, context),
    }),
    async createSeries({ batch }, context) {
      return { receipt: await takeSeries(batch!, context) };
    },
    async createObservations({ batch }, context) {
      return { receipt: await takeObservations(batch!, context) };
    },
    streamSeries: (requests, context) =>
      answerBatches(IngestionService.method.streamSeries.input, requests, takeSeries, context),
    streamObservations: (requests, context) =>
      answerBatches(IngestionService.method.streamObservations.input, requests, takeObservations, context),
    async retractBatch(request, context) {
      const passed = { retraction: request, method: methodOf(context) };
      const { retractTime, items } = await records.retractBatch(passed, onBehalfOf(context));
      return { ...(retractTime === undefined ? {} : { retractTime }), items };
    },
  };
}

/**
 * The called public method, as the patient's log names it: ingestion passes it to records, which believes no header.
 */
function methodOf({ service, method }: HandlerContext): string {
  return `${service.typeName}/${method.name}`;
}

function accountOf(vendorAccount: VendorAccount | undefined) {
  return vendorAccount === undefined ? {} : { vendorAccount };
}

/** The batch is transferred: nothing here uses it after the call. */
function onBehalfOf(context: HandlerContext) {
  return { contextValues: context.values.set(requestTransferredKey, true), signal: context.signal };
}

/** An invalid id is repeated only as far as the rules allow: the answer must fit into a message. */
function echoed(requestId: string): string {
  return requestId.slice(0, MAX_REQUEST_ID_LENGTH).toWellFormed();
}
