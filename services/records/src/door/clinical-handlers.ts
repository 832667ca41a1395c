import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type ClinicalBatch,
  ClinicalBatchSchema,
  type ClinicalWrite,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import {
  ClinicalRecordsService,
  type ListClinicalRecordsRequest,
  ListClinicalRecordsRequestSchema,
  ListClinicalRecordVersionsRequestSchema,
  type StreamClinicalRecordsRequest,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import {
  callerKey,
  describeError,
  type ListPage,
  type PageTokens,
  partyOf,
  patientHeader,
  problemOf,
  requestIdKey,
  toFailure,
  validateMessage,
} from "@wellapi/rpc";
import { answerEach, type FairShare, type Logger } from "@wellapi/runtime";
import type { Pairwise } from "@wellapi/vault";
import type { ClinicalQuery } from "../clinical/clinical-query.ts";
import {
  type ClinicalPage,
  getClinicalRecord,
  listClinicalRecords,
  listClinicalVersions,
} from "../clinical/clinical-read.ts";
import type { ClinicalWrites } from "../clinical/clinical-write.ts";
import type { RecordPosition } from "../clinical/record-scan.ts";
import type { ClinicalReadDeps } from "../clinical/shown-record.ts";
import type { Intent } from "../gate/intent.ts";
import { tenantOf } from "../gate/subject.ts";
import { ALWAYS } from "../model/interval.ts";
import { clinicalQuery, outcomeInit, recordInit, recordInward, sentBatch } from "./clinical-convert.ts";
import { methodOf } from "./method-convert.ts";
import { pageOf } from "./page-position-convert.ts";
import { readIntent } from "./read-request-convert.ts";

/** The stream whose messages are validated here, so that each bad one gets its own answer. */
export const clinicalSelfValidating = [ClinicalRecordsService.method.streamClinicalRecords] as const;

export interface ClinicalHandlersDeps extends ClinicalReadDeps {
  readonly writes: ClinicalWrites;
  readonly pairwise: Pairwise;
  readonly pageTokens: PageTokens;
  /** Learns of writers, so that they count as present beside those who read. */
  readonly share: FairShare;
  readonly log: Logger;
}

const RECORDS_A_PAGE = { usual: 50, most: 1_000 };
const MAX_UNANSWERED_BATCHES = 16;
const MAX_REQUEST_ID_LENGTH = 128;

type Handlers = ServiceImpl<typeof ClinicalRecordsService>;

/** A page of records that was asked for. */
export interface AskedRecords {
  readonly query: ClinicalQuery;
  readonly page: ListPage<RecordPosition>;
}

/** `intent`: of ListClinicalRecords. Throws PageTokenError. */
export function askedRecords(
  { pageTokens, pairwise }: Pick<ClinicalHandlersDeps, "pageTokens" | "pairwise">,
  intent: Intent,
  request: ListClinicalRecordsRequest,
): AskedRecords {
  const page = pageOf<typeof ListClinicalRecordsRequestSchema, RecordPosition>(
    pageTokens,
    intent,
    ListClinicalRecordsRequestSchema,
    request,
    RECORDS_A_PAGE,
  );
  return { query: clinicalQuery(pairwise, partyOf(intent.caller), request), page };
}

export function recordsAnswer(
  deps: Parameters<typeof recordInit>[0],
  { caller }: Intent,
  { page }: AskedRecords,
  { records, next, access }: ClinicalPage<RecordPosition>,
) {
  const party = partyOf(caller);
  return {
    records: records.map((record) => recordInit(deps, party, record)),
    nextPageToken: page.token(next),
    access,
  };
}

export function createClinicalHandlers(deps: ClinicalHandlersDeps): Handlers {
  return { ...createWriteHandlers(deps), ...createReadHandlers(deps) };
}

function createWriteHandlers(
  deps: ClinicalHandlersDeps,
): Pick<
  Handlers,
  "putClinicalRecord" | "deleteClinicalRecord" | "writeClinicalRecords" | "streamClinicalRecords"
> {
  const { writes, pairwise, share } = deps;

  async function writeOne(
    patient: string,
    requestId: string,
    operation: ClinicalWrite["operation"],
    context: HandlerContext,
  ) {
    const caller = context.values.get(callerKey);
    const party = partyOf(caller);
    share.saw(tenantOf(caller));
    const batch = create(ClinicalBatchSchema, { patient, requestId, writes: [{ operation }] });
    const outcome = await writes.writeOne(caller, methodOf(context), sentBatch(pairwise, party, batch));
    return { outcome: outcomeInit(pairwise, party, outcome) };
  }

  async function writeBatch(batch: ClinicalBatch, context: HandlerContext) {
    const caller = context.values.get(callerKey);
    const party = partyOf(caller);
    share.saw(tenantOf(caller));
    const outcomes = await writes.write(caller, methodOf(context), sentBatch(pairwise, party, batch));
    return {
      requestId: batch.requestId,
      outcomes: outcomes.map((outcome) => outcomeInit(pairwise, party, outcome)),
    };
  }

  async function answer({ batch }: StreamClinicalRecordsRequest, context: HandlerContext) {
    try {
      return { case: "receipt", value: await writeBatch(batch!, context) } as const;
    } catch (error) {
      return { case: "failure", value: toFailure(problemOfBatch(deps.log, error, context)) } as const;
    }
  }

  return {
    putClinicalRecord: ({ patient, requestId, write }, context) =>
      writeOne(patient, requestId, write, context),
    deleteClinicalRecord: ({ patient, delete: value }, context) =>
      writeOne(patient, "", { case: "delete", value: value! }, context),
    async writeClinicalRecords({ batch }, context) {
      return { receipt: await writeBatch(batch!, context) };
    },
    streamClinicalRecords: (requests, context) =>
      answerEach(
        requests,
        async (request) => {
          const requestId = (request.batch?.requestId ?? "").slice(0, MAX_REQUEST_ID_LENGTH).toWellFormed();
          const wrong = validateMessage(ClinicalRecordsService.method.streamClinicalRecords.input, request);
          const result =
            wrong === undefined
              ? await answer(request, context)
              : ({ case: "failure", value: toFailure(wrong) } as const);
          return { requestId, result };
        },
        { limit: MAX_UNANSWERED_BATCHES, signal: context.signal },
      ),
  };
}

function problemOfBatch(log: Logger, thrown: unknown, context: HandlerContext) {
  const { error, unexpected } = describeError(thrown);
  if (unexpected && !context.signal.aborted) {
    const request_id = context.values.get(requestIdKey);
    log.error({ err: thrown, rpc: methodOf(context), request_id }, "unexpected error");
  }
  return problemOf(error);
}

function createReadHandlers(
  deps: ClinicalHandlersDeps,
): Pick<Handlers, "getClinicalRecord" | "listClinicalRecords" | "listClinicalRecordVersions"> {
  const { gate, pairwise, pageTokens } = deps;

  /** Tells the door whose data the answer carries. */
  function intentOf(request: Parameters<typeof readIntent>[0], context: HandlerContext): Intent {
    const intent = readIntent(request, [], ALWAYS, context);
    context.responseHeader.set(patientHeader, gate.subject(intent.caller, intent.patient).partition);
    return intent;
  }

  return {
    async getClinicalRecord(request, context) {
      const intent = intentOf(request, context);
      const party = partyOf(intent.caller);
      const record = recordInward(pairwise, party, request.record);
      const found = await getClinicalRecord(deps, intent, { record, version: request.version });
      return { record: recordInit(deps, party, found.record), access: found.access };
    },

    async listClinicalRecords(request, context) {
      const intent = intentOf(request, context);
      const asked = askedRecords(deps, intent, request);
      const found = await listClinicalRecords(deps, intent, asked.query, asked.page.limit, asked.page.after);
      return recordsAnswer(deps, intent, asked, found);
    },

    async listClinicalRecordVersions(request, context) {
      const intent = intentOf(request, context);
      const party = partyOf(intent.caller);
      const asked = pageOf<typeof ListClinicalRecordVersionsRequestSchema, number>(
        pageTokens,
        intent,
        ListClinicalRecordVersionsRequestSchema,
        request,
        RECORDS_A_PAGE,
      );
      const record = recordInward(pairwise, party, request.record);
      const page = await listClinicalVersions(deps, intent, record, asked.limit, asked.after);
      return {
        versions: page.records.map((version) => recordInit(deps, party, version)),
        nextPageToken: asked.token(page.next),
        access: page.access,
      };
    },
  };
}
