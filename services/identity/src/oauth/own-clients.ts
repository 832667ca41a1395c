import type { Application, Organization } from "../organizations/organization.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import type { OAuthClient } from "./client.ts";
import { personScopes } from "./person-scopes.ts";

/** Stands for an organization where the installation itself is meant, and names its pairwise ids. */
export const INSTALLATION_PARTY = "installation";

/**
 * The command line: a person signs it in by the device flow, and it acts as the patient whom they choose, or, by a scope of our
 * own, as their account, as a member of an organization or as staff.
 */
const commandLine: Application & { readonly oauth: OAuthClient } = {
  id: "wellapi-cli",
  organization: INSTALLATION_PARTY,
  displayName: "WellAPI command line",
  createTime: 0,
  updateTime: 0,
  state: "active",
  stateVersion: 0,
  oauth: {
    authMethod: "none",
    grantTypes: ["device_code"],
    redirectUris: [],
    postLogoutRedirectUris: [],
    keys: [],
    scopes: [
      ...["openid", "offline_access", "fhirUser", "launch/patient", "patient/*.cruds"],
      ...Object.values(personScopes),
    ],
    dpopBound: false,
    tlsBound: false,
    patientAccess: true,
    allowedOrigins: [],
  },
};

const installation: Organization = {
  id: INSTALLATION_PARTY,
  displayName: "This installation",
  createTime: 0,
  updateTime: 0,
  state: "active",
  stateVersion: 0,
};

type Used = Pick<OrganizationRepository, "application" | "organization" | "mayCall" | "standing">;

/** The applications, and the installation's own programs, which nobody can register, disable or delete. */
export function withOwnClients<R extends Used>(organizations: R): { readonly organizations: R } {
  const isOwn = (id: string) => id === commandLine.id;
  const known = {
    ...organizations,
    application: async (id: string) => (isOwn(id) ? commandLine : organizations.application(id)),
    organization: async (id: string) =>
      id === INSTALLATION_PARTY ? installation : organizations.organization(id),
    mayCall: async (holder: Parameters<Used["mayCall"]>[0]) =>
      isOwn(holder.application) || organizations.mayCall(holder),
    standing: async (holder: Parameters<Used["standing"]>[0]) =>
      isOwn(holder.application) ? ("may call" as const) : organizations.standing(holder),
  };
  return { organizations: known };
}
