import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { ConsentDirectoryService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_directory_service_pb";
import type { Clock } from "@wellapi/runtime";
import type { ConsentRepository } from "./consent-repository.ts";
import { ConsentError } from "./errors.ts";
import { stateOf } from "./requests/request.ts";
import type { RequestRepository } from "./requests/request-repository.ts";

/** What the service that tells patients asks of consents and of requests for them. */
export function createDirectoryHandlers({
  consents,
  requests,
  clock,
}: {
  readonly consents: Pick<ConsentRepository, "get">;
  readonly requests: Pick<RequestRepository, "get">;
  readonly clock: Pick<Clock, "now">;
}): ServiceImpl<typeof ConsentDirectoryService> {
  return {
    async describeConsent({ partition, consent }) {
      const found = await consents.get(partition, consent);
      if (found === undefined) throw new ConsentError("not_found");
      const { terms, createTime, revokeTime } = found;
      const { end } = terms.validity;
      return {
        organization: terms.grantee,
        createTime: timestampFromMs(createTime),
        ...(end !== undefined && { endTime: timestampFromMs(end) }),
        ...(revokeTime !== undefined && { revokeTime: timestampFromMs(revokeTime) }),
      };
    },
    async describeRequest({ partition, consentRequest }) {
      const found = await requests.get(partition, consentRequest);
      if (found === undefined) throw new ConsentError("not_found");
      const { request } = found;
      return { organization: request.terms.grantee, waits: stateOf(request, clock.now()) === "open" };
    },
  };
}
