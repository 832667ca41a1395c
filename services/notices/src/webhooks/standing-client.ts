import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { Organization_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";

/** Whether organizations may be told, as identity says. Throws ConnectError. */
export interface StandingClient {
  /** As for its own calls: not while it is disabled, nor once it is deleted. */
  isActive(organization: string): Promise<boolean>;
}

export function createStandingClient(transport: Transport): StandingClient {
  const organizations = createClient(OrganizationService, transport);
  return {
    async isActive(organization) {
      try {
        const found = await organizations.getOrganization({ organization });
        return found.organization?.state === Organization_State.ACTIVE;
      } catch (error) {
        if (ConnectError.from(error).code === Code.NotFound) return false;
        throw error;
      }
    },
  };
}
