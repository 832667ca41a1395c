import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  MergeSeriesRequestSchema,
  type RecordsService,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type PageTokens, partyOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import type { Intent } from "../gate/intent.ts";
import { ALWAYS } from "../model/interval.ts";
import { type MergePosition, type MergeSeriesDeps, mergeSeries } from "../read/merge-series.ts";
import type { DevicePriorities } from "../write/device-priorities.ts";
import { intervalOf } from "./convert.ts";
import { fullMinutes, nothingOf, priorityInit, rankedDevices, stretchInit } from "./merge-convert.ts";
import { pageOf } from "./page-position-convert.ts";
import type { Presenter } from "./read-convert.ts";
import type { ReadRequests } from "./read-request-convert.ts";

const SAMPLES_A_PAGE = { usual: 1_000, most: 10_000 };

export interface MergeHandlersDeps extends MergeSeriesDeps {
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  readonly devicePriorities: DevicePriorities;
}

/** One line across devices, and the patient's order of devices. */
export function createMergeHandlers(
  deps: MergeHandlersDeps,
  { codeKey, sourcesOf, intentOf }: ReadRequests,
  present: Presenter,
): Pick<ServiceImpl<typeof RecordsService>, "mergeSeries" | "getDevicePriority" | "setDevicePriority"> {
  const { pageTokens, pairwise, devicePriorities } = deps;
  const ownIntent = (patient: string, context: HandlerContext): Intent =>
    intentOf({ patient, purpose: Purpose.PATIENT_REQUEST }, [], ALWAYS, context);

  return {
    async mergeSeries(request, context) {
      const code = codeKey(request.code!);
      const { unit, digits } = request;
      const interval = fullMinutes(intervalOf(request.interval));
      const intent = intentOf(request, [code], interval, context);
      const asked = pageOf<typeof MergeSeriesRequestSchema, MergePosition>(
        pageTokens,
        intent,
        MergeSeriesRequestSchema,
        request,
        SAMPLES_A_PAGE,
      );
      const query = { code, interval, sources: sourcesOf(intent, request), wanted: { unit, digits } };
      const page = await mergeSeries(deps, intent, query, asked.limit, asked.after);
      return {
        stretches: await Promise.all(page.stretches.map((one) => stretchInit(present, intent, code, one))),
        nextPageToken: asked.token(page.next),
        access: page.access,
        nothing: nothingOf(page.nothing),
      };
    },

    async getDevicePriority({ patient }, context) {
      const intent = ownIntent(patient, context);
      const { priority, access } = await devicePriorities.get(intent);
      if (priority.version === 0) return { access };
      return { priority: priorityInit(pairwise, partyOf(intent.caller), priority), access };
    },

    async setDevicePriority({ patient, devices, etag }, context) {
      const intent = ownIntent(patient, context);
      const party = partyOf(intent.caller);
      const ranked = rankedDevices(pairwise, party, devices);
      const { priority, access } = await devicePriorities.set(intent, ranked, etag);
      return { priority: priorityInit(pairwise, party, priority), access };
    },
  };
}
