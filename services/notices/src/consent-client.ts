import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { DeletionObligation_State as ObligationState } from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import { RightsRequest_State as RightsState } from "@wellapi/gen/wellapi/consent/v1/rights_request_pb";
import { ConsentDirectoryService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_directory_service_pb";

/** A consent as it stands now; times in UTC milliseconds. */
export interface ConsentFacts {
  readonly organization: string;
  readonly createTime: number;
  /** Absent: it does not end by itself. */
  readonly endTime?: number;
  readonly revoked: boolean;
  /** It permits nothing. */
  readonly onlyDenies: boolean;
}

/** A request for consent as it stands now. */
export interface RequestFacts {
  readonly organization: string;
  /** Whether the patient can decide it. */
  readonly waits: boolean;
}

export interface ConsentClient {
  /** Undefined where there is none (any more). Throws ConnectError. */
  describe(partition: string, consent: string): Promise<ConsentFacts | undefined>;
  /** As `describe`. */
  describeRequest(partition: string, consentRequest: string): Promise<RequestFacts | undefined>;
  /** The organization that answers a rights request. As `describe`. */
  answererOf(partition: string, rightsRequest: string): Promise<string | undefined>;
  /** The organization that answers an obligation to delete. As `describe`. */
  obligedBy(partition: string, deletionObligation: string): Promise<string | undefined>;
  /** Whether the answer to a rights request is overdue. Throws ConnectError. */
  isRightsRequestOverdue(partition: string, rightsRequest: string): Promise<boolean>;
  /** Whether the answer to an obligation to delete is overdue. Throws ConnectError. */
  isObligationOverdue(partition: string, deletionObligation: string): Promise<boolean>;
}

export function createConsentClient(transport: Transport): ConsentClient {
  const directory = createClient(ConsentDirectoryService, transport);
  return {
    async describeRequest(partition, consentRequest) {
      const found = await unlessMissing(directory.describeRequest({ partition, consentRequest }));
      return found && { organization: found.organization, waits: found.waits };
    },
    async answererOf(partition, rightsRequest) {
      return (await unlessMissing(directory.describeRightsRequest({ partition, rightsRequest })))
        ?.organization;
    },
    async obligedBy(partition, deletionObligation) {
      return (await unlessMissing(directory.describeObligation({ partition, deletionObligation })))
        ?.organization;
    },
    async isRightsRequestOverdue(partition, rightsRequest) {
      const found = await unlessMissing(directory.describeRightsRequest({ partition, rightsRequest }));
      return found?.state === RightsState.OVERDUE;
    },
    async isObligationOverdue(partition, deletionObligation) {
      const found = await unlessMissing(directory.describeObligation({ partition, deletionObligation }));
      return found?.state === ObligationState.OVERDUE;
    },
    async describe(partition, consent) {
      const found = await unlessMissing(directory.describeConsent({ partition, consent }));
      if (found === undefined) return undefined;
      const { organization, createTime, endTime, revokeTime } = found;
      return {
        organization,
        createTime: createTime === undefined ? 0 : timestampMs(createTime),
        ...(endTime !== undefined && { endTime: timestampMs(endTime) }),
        revoked: revokeTime !== undefined,
        onlyDenies: found.onlyDenies,
      };
    },
  };
}

/** Undefined where what is asked for is not there (any more). */
export async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (ConnectError.from(error).code === Code.NotFound) return undefined;
    throw error;
  }
}
