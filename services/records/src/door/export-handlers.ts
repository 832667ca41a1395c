import { setImmediate } from "node:timers/promises";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { type Anonymity, deIdentified, formatJson, shiftOf } from "@wellapi/fhir-r4";
import {
  type ExportService,
  type ReadDeIdentifiedRequest,
  ReadDeIdentifiedRequestSchema,
} from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { patientHeader } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Pairwise } from "@wellapi/vault";
import { invalidField, RecordsError } from "../errors.ts";
import type { Export } from "../exports/export.ts";
import type { Exports } from "../exports/exports.ts";
import type { Intent } from "../gate/intent.ts";
import { ALWAYS } from "../model/interval.ts";
import {
  type AnonymousPosition,
  type AnonymousReadDeps,
  RECORDS_A_PAGE,
  readAnonymously,
} from "./anonymous-read.ts";
import { createDownloadHandlers, type DownloadHandlersDeps } from "./download-handlers.ts";
import { pageOf } from "./page-position-convert.ts";
import { readIntent } from "./read-request-convert.ts";

export interface ExportHandlersDeps extends AnonymousReadDeps, DownloadHandlersDeps {
  readonly exports: Exports;
  readonly pairwise: Pairwise;
  readonly clock: Clock;
}

export function createExportHandlers(deps: ExportHandlersDeps): ServiceImpl<typeof ExportService> {
  const { exports } = deps;
  const intentOf = (context: HandlerContext, patient = "", purpose = Purpose.UNSPECIFIED): Intent =>
    readIntent({ patient, purpose }, [], ALWAYS, context);

  return {
    ...createDownloadHandlers(deps),
    async createExport(request, context) {
      const { types, since, elements, typeFilters, purpose, requestId, deIdentified: anonymous } = request;
      if (anonymous && typeFilters.length > 0)
        throw invalidField("type_filters", "is not for what leaves de-identified");
      const terms = {
        types: types.toSorted(),
        since: since && timestampMs(since),
        elements: elements.toSorted(),
        typeFilters: typeFilters.toSorted(),
        purpose,
        deIdentified: anonymous,
      };
      return { export: exportInit(await exports.create(intentOf(context, "", purpose), requestId, terms)) };
    },
    async getExport({ export: id }, context) {
      return { export: exportInit(await exports.get(intentOf(context), id)) };
    },
    async cancelExport({ export: id }, context) {
      await exports.cancel(intentOf(context), id);
      return {};
    },
    readDeIdentified: (request, context) =>
      readDeIdentified(deps, request, intentOf(context, request.patient, request.purpose), context),
  };
}

const RESOURCES_AT_ONCE = 50;

/** A page of one patient's records, without what tells who the patient is. */
async function readDeIdentified(
  deps: ExportHandlersDeps,
  request: ReadDeIdentifiedRequest,
  asked: Intent,
  context: HandlerContext,
) {
  const { exports, gate, pageTokens } = deps;
  const intent: Intent = { ...asked, deIdentified: true };
  const subject = gate.subject(intent.caller, intent.patient);
  context.responseHeader.set(patientHeader, subject.partition);
  const found = await exports.get(intent, request.export);
  const covers = found.types.length === 0 || found.types.includes(request.type);
  if (!found.deIdentified || found.purpose !== request.purpose || !covers)
    throw new RecordsError("NOT_FOUND");
  const wanted = pageOf<typeof ReadDeIdentifiedRequestSchema, AnonymousPosition>(
    pageTokens,
    intent,
    ReadDeIdentifiedRequestSchema,
    { ...request, pageSize: 0 },
    RECORDS_A_PAGE,
  );
  const { type } = request;
  const page = await readAnonymously(deps, intent, { type, since: found.since }, wanted.limit, wanted.after);
  const anonymity = anonymityOf(deps, found.id, subject.patient);
  const resources: string[] = [];
  for (const [at, resource] of page.resources.entries()) {
    // Each is judged once more; others get their turn meanwhile.
    if (at % RESOURCES_AT_ONCE === 0) await setImmediate();
    const told = deIdentified(resource, anonymity);
    if (told !== undefined) resources.push(formatJson(told));
  }
  return { resources, nextPageToken: wanted.token(page.next) };
}

/** Ids and the shift come from the installation's secret of pairwise ids, for this export alone: nothing has to be stored. */
function anonymityOf({ pairwise, clock }: ExportHandlersDeps, id: string, patient: string): Anonymity {
  return {
    pseudonym: (one) => pairwise.outward(`export ${id}`, one.replace("-", "_")).replace("_", "-"),
    shiftDays: shiftOf(pairwise.outward(`export ${id} shift`, patient)),
    year: new Date(clock.now()).getUTCFullYear(),
  };
}

function exportInit(one: Export) {
  const { id, types, since, elements, typeFilters, purpose, created, expires, deIdentified: anonymous } = one;
  return {
    id,
    types: [...types],
    ...(since !== undefined && { since: timestampFromMs(since) }),
    elements: [...elements],
    typeFilters: [...typeFilters],
    purpose,
    createTime: timestampFromMs(created),
    expireTime: timestampFromMs(expires),
    deIdentified: anonymous,
  };
}
