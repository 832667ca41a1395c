import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type { ConsentDecisionService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import { problemError } from "@wellapi/rpc";

const askMs = 2_000;

/**
 * Whether all of the consents are in force, the patient's, and for the organization. Throws ConnectError UNAVAILABLE where the
 * consent service does not answer: unsure permits nothing.
 */
export type InForce = (
  consents: readonly string[],
  partition: string,
  organization: string,
) => Promise<boolean>;

export function createInForce(client: Client<typeof ConsentDecisionService>): InForce {
  return async (consents, partition, organization) => {
    if (consents.length === 0) return true;
    try {
      const asked = { partition, consents: [...consents], grantee: organization };
      return (await client.getStanding(asked, { timeoutMs: askMs })).inForce;
    } catch (error) {
      throw problemError(
        {
          code: Code.Unavailable,
          reason: "UNAVAILABLE",
          message: "whether the consent is in force can't be said at the moment: try again after the delay",
          retryAfterMs: 1_000,
        },
        ConnectError.from(error),
      );
    }
  };
}
