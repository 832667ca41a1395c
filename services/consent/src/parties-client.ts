import { createClient, type Transport } from "@connectrpc/connect";
import { Organization_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import {
  askedOfIdentity,
  createKnownPatients,
  type KnownPatients,
} from "./standing/known-patients-client.ts";

/** What identity knows of the two parties of a consent. */
export interface Parties extends KnownPatients {
  /** Whether there is this organization, and it is not deleted. Throws as `askedOfIdentity`. */
  isOrganization(organization: string): Promise<boolean>;
  /** The same, or whether there was: what it contributed may still be there. */
  wasOrganization(organization: string): Promise<boolean>;
}

/** `identity`: calls identity, as this service. */
export function createParties(identity: Transport): Parties {
  const organizations = createClient(OrganizationService, identity);
  const find = async (organization: string) => {
    const asked = { organization };
    return (await askedOfIdentity((options) => organizations.getOrganization(asked, options)))?.organization;
  };
  return {
    ...createKnownPatients(identity),
    async isOrganization(organization) {
      const found = await find(organization);
      return found !== undefined && found.state !== Organization_State.DELETED;
    },
    wasOrganization: async (organization) => (await find(organization)) !== undefined,
  };
}
