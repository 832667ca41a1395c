import { createClient, type Transport } from "@connectrpc/connect";
import { Organization_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { unlessMissing } from "../consent-client.ts";

/** Whether organizations may be told, as identity says. Throws ConnectError. */
export interface StandingClient {
  /** As for its own calls: not while it is disabled, nor once it is deleted. */
  isActive(organization: string): Promise<boolean>;
}

export function createStandingClient(transport: Transport): StandingClient {
  const organizations = createClient(OrganizationService, transport);
  return {
    async isActive(organization) {
      const found = await unlessMissing(organizations.getOrganization({ organization }));
      return found?.organization?.state === Organization_State.ACTIVE;
    },
  };
}
