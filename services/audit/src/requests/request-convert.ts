import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type {
  LoggedRequestSchema,
  RequestFilter as RequestFilterMessage,
} from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import type { EndedRequests } from "@wellapi/gen/wellapi/internal/audit/v1/request_intake_service_pb";
import { toInterval } from "../convert.ts";
import type { EndedOfOrganization, LoggedRequest, RequestFilter } from "./request.ts";

export function toEnded({ organization, requests, omitted }: EndedRequests): EndedOfOrganization {
  return {
    organization,
    omitted: Number(omitted),
    requests: requests.map(({ $typeName: _, $unknown, startTimeMs, ...request }) => ({
      ...request,
      startTime: Number(startTimeMs),
    })),
  };
}

/** Throws `invalid_field`. */
export function toFilter(filter: RequestFilterMessage | undefined): RequestFilter {
  const { application = "", method = "", reason = "", requestId = "", failed = false } = filter ?? {};
  return { application, method, reason, requestId, failed, interval: toInterval(filter?.interval) };
}

export function requestMessage(request: LoggedRequest): MessageInitShape<typeof LoggedRequestSchema> {
  const { position, startTime, omitted, ...rest } = request;
  return {
    ...rest,
    position: BigInt(position),
    startTime: timestampFromMs(startTime),
    omitted: BigInt(omitted),
  };
}
