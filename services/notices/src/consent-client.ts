import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { ConsentDirectoryService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_directory_service_pb";

/** A consent as it stands now; times in UTC milliseconds. */
export interface ConsentFacts {
  readonly organization: string;
  readonly createTime: number;
  /** Absent: it does not end by itself. */
  readonly endTime?: number;
  readonly revoked: boolean;
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
}

export function createConsentClient(transport: Transport): ConsentClient {
  const directory = createClient(ConsentDirectoryService, transport);
  return {
    async describeRequest(partition, consentRequest) {
      try {
        const { organization, waits } = await directory.describeRequest({ partition, consentRequest });
        return { organization, waits };
      } catch (error) {
        return unlessMissing(error);
      }
    },
    async describe(partition, consent) {
      try {
        const { organization, createTime, endTime, revokeTime } = await directory.describeConsent({
          partition,
          consent,
        });
        return {
          organization,
          createTime: createTime === undefined ? 0 : timestampMs(createTime),
          ...(endTime !== undefined && { endTime: timestampMs(endTime) }),
          revoked: revokeTime !== undefined,
        };
      } catch (error) {
        return unlessMissing(error);
      }
    },
  };
}

function unlessMissing(error: unknown): undefined {
  if (ConnectError.from(error).code === Code.NotFound) return undefined;
  throw error;
}
