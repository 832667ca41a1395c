import type { ServiceImpl } from "@connectrpc/connect";
import {
  ListObservationsRequestSchema,
  type RecordsService,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { type PageTokens, partyOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import type { ObservationPosition } from "../blocks/observation-scan.ts";
import { ALWAYS } from "../model/interval.ts";
import { observationPlace } from "../model/observation-id.ts";
import { getObservation, listObservations, type ReadObservationsDeps } from "../read/read-observations.ts";
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

export function createObservationHandlers(
  deps: ObservationHandlersDeps,
  { codeKey, sourcesOf, intentOf }: ReadRequests,
  present: Presenter,
): Pick<ServiceImpl<typeof RecordsService>, "listObservations" | "getObservation"> {
  const { pageTokens, pairwise } = deps;
  return {
    async listObservations(request, context) {
      const several = severalCodes(request)?.map(codeKey);
      const interval = intervalOf(request.interval);
      const intent = intentOf(request, several ?? [], interval, context);
      const asked = pageOf<typeof ListObservationsRequestSchema, ObservationPosition>(
        pageTokens,
        intent,
        ListObservationsRequestSchema,
        request,
        OBSERVATIONS_A_PAGE,
      );
      const codes = request.code === undefined ? several : codeKey(request.code);
      const descending = !request.oldestFirst;
      const query = { codes, interval, sources: sourcesOf(intent, request), descending };
      const page = await listObservations(deps, intent, query, asked.limit, asked.after);
      return {
        observations: await present.observations(intent, page.observations),
        nextPageToken: asked.token(page.next),
        access: page.access,
      };
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
