import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { Organization_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { createKnownPatients, type KnownPatients } from "./standing/known-patients-client.ts";

/** What identity knows of the two parties of a consent. Methods throw ConnectError. */
export interface Parties extends KnownPatients {
  /** Whether there is this organization, and it is not deleted. */
  isOrganization(organization: string): Promise<boolean>;
}

/** `identity`: calls identity, as this service. */
export function createParties(identity: Transport): Parties {
  const organizations = createClient(OrganizationService, identity);
  return {
    ...createKnownPatients(identity),
    async isOrganization(organization) {
      try {
        const { organization: found } = await organizations.getOrganization({ organization });
        return found !== undefined && found.state !== Organization_State.DELETED;
      } catch (error) {
        if (ConnectError.from(error).code === Code.NotFound) return false;
        throw error;
      }
    },
  };
}
