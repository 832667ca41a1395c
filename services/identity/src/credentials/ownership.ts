import type { Caller } from "@wellapi/rpc";
import { notFound } from "../errors.ts";
import type { Application } from "../organizations/organization.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import type { Credential } from "./credential.ts";
import type { CredentialRepository } from "./credential-repository.ts";

// A member acts within the own organization: what is another's is answered as what does not exist.

/** Throws `not_found`. */
export async function applicationFor(
  { principal }: Caller,
  organizations: Pick<OrganizationRepository, "application">,
  id: string,
): Promise<Application> {
  const application = await organizations.application(id);
  if (principal.kind === "member" && application.organization !== principal.organization) {
    throw notFound("application");
  }
  return application;
}

/** Throws `not_found`. */
export async function credentialFor(
  { principal }: Caller,
  credentials: Pick<CredentialRepository, "credential">,
  id: string,
): Promise<Credential> {
  const credential = await credentials.credential(id);
  const { holder } = credential;
  const organization = holder.kind === "application" ? holder.organization : undefined;
  if (principal.kind === "member" && organization !== principal.organization) throw notFound("credential");
  return credential;
}
