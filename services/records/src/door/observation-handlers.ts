import type { ServiceImpl } from "@connectrpc/connect";
import {
  type ListObservationsRequest,
  ListObservationsRequestSchema,
  type RecordsService,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { type ListPage, type PageTokens, partyOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import type { ObservationPosition } from "../blocks/observation-scan.ts";
import type { Intent } from "../gate/intent.ts";
import { ALWAYS } from "../model/interval.ts";
import { observationPlace } from "../model/observation-id.ts";
import {
  getObservation,
  listObservations,
  type ObservationPage,
  type ObservationsQuery,
  type ReadObservationsDeps,
} from "../read/read-observations.ts";
import { severalCodes } from "./asked-codes-convert.ts";
import { intervalOf } from "./convert.ts";
import { pageOf } from "./page-position-convert.ts";
import type { Presenter } from "./read-convert.ts";
import type { ReadRequests } from "./read-request-convert.ts";

const OBSERVATIONS_A_PAGE = { usual: 50, most: 1_000 };

export interface ObservationHandlersDeps extends ReadObservationsDeps {
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
}

/** A page of observations that was asked for. */
export interface AskedObservations {
  readonly query: ObservationsQuery;
  readonly page: ListPage<ObservationPosition>;
}

/** `intent`: of ListObservations. Throws PageTokenError. */
export function askedObservations(
  pageTokens: PageTokens,
  { codeKey, sourcesOf }: ReadRequests,
  intent: Intent,
  request: ListObservationsRequest,
): AskedObservations {
  const page = pageOf<typeof ListObservationsRequestSchema, ObservationPosition>(
    pageTokens,
    intent,
    ListObservationsRequestSchema,
    request,
    OBSERVATIONS_A_PAGE,
  );
  const codes = request.code === undefined ? severalCodes(request)?.map(codeKey) : codeKey(request.code);
  const interval = intervalOf(request.interval);
  const sources = sourcesOf(intent, request);
  return { query: { codes, interval, sources, descending: !request.oldestFirst }, page };
}

export async function observationsAnswer(
  present: Presenter,
  intent: Intent,
  { page }: AskedObservations,
  { observations, next, access }: ObservationPage,
) {
  return {
    observations: await present.observations(intent, observations),
    nextPageToken: page.token(next),
    access,
  };
}

export function createObservationHandlers(
  deps: ObservationHandlersDeps,
  requests: ReadRequests,
  present: Presenter,
): Pick<ServiceImpl<typeof RecordsService>, "listObservations" | "getObservation"> {
  const { pageTokens, pairwise } = deps;
  const { codeKey, intentOf } = requests;
  return {
    async listObservations(request, context) {
      const codes = severalCodes(request)?.map(codeKey) ?? [];
      const intent = intentOf(request, codes, intervalOf(request.interval), context);
      const asked = askedObservations(pageTokens, requests, intent, request);
      const found = await listObservations(deps, intent, asked.query, asked.page.limit, asked.page.after);
      return observationsAnswer(present, intent, asked, found);
    },

    async getObservation(request, context) {
      const intent = intentOf(request, [], ALWAYS, context);
      const place = observationPlace(pairwise, partyOf(intent.caller), request.observation);
      const found = await getObservation(deps, intent, place);
      const [observation] = await present.observations(intent, [found.observation]);
      return { observation: observation!, access: found.access };
    },
  };
}
