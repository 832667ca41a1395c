import type { ServiceImpl } from "@connectrpc/connect";
import type { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { createErasureHandlers, type ErasureHandlersDeps } from "./erasure-handlers.ts";
import { createMergeHandlers, type MergeHandlersDeps } from "./merge-handlers.ts";
import { createObservationHandlers, type ObservationHandlersDeps } from "./observation-handlers.ts";
import { presenterFor } from "./read-convert.ts";
import { createReadRequests } from "./read-request-convert.ts";
import { createSearchHandlers, type SearchHandlersDeps } from "./search/search-handlers.ts";
import {
  createAggregateHandlers,
  createPageHandlers,
  createStreamHandlers,
  type SeriesHandlersDeps,
} from "./series-handlers.ts";

export interface ReadHandlersDeps
  extends SeriesHandlersDeps,
    MergeHandlersDeps,
    ObservationHandlersDeps,
    SearchHandlersDeps,
    ErasureHandlersDeps {
  readonly region: string;
}

/** The public service of records. */
export function createReadHandlers(deps: ReadHandlersDeps): ServiceImpl<typeof RecordsService> {
  const requests = createReadRequests(deps);
  const present = presenterFor(deps);
  return {
    ...createStreamHandlers(deps, requests, present),
    ...createPageHandlers(deps, requests, present),
    ...createAggregateHandlers(deps, requests, present),
    ...createMergeHandlers(deps, requests, present),
    ...createObservationHandlers(deps, requests, present),
    ...createSearchHandlers(deps, requests, present),
    ...createErasureHandlers(deps),
  };
}
