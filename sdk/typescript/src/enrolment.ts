import { randomUUID } from "node:crypto";
import { createClient, type Transport } from "@connectrpc/connect";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { createCertificateRequest } from "./certificate-request.ts";
import type { ClientCertificate } from "./connection.ts";

// An operator's steps, once for each organization and patient. A separate entry point, `@wellapi/client/enrolment`:
// the library for certificate requests is slow to load, and a program that only makes calls does not need it.

export { createCertificateRequest };

/** A certificate with its key, and the id by which it is revoked (`crd_...`). */
export interface IssuedCertificate {
  readonly certificate: ClientCertificate;
  readonly credential: string;
}

/** Makes a key, which stays here, and requests a certificate for it. Without `lifetimeSeconds` the server decides. */
export async function issueCertificate(
  operator: Transport,
  application: string,
  lifetimeSeconds?: number,
): Promise<IssuedCertificate> {
  const { privateKey, certificateRequest } = await createCertificateRequest();
  const issued = await createClient(CredentialService, operator).issueCertificate({
    requestId: randomUUID(),
    application,
    certificateRequest,
    ...(lifetimeSeconds === undefined ? {} : { lifetime: { seconds: BigInt(lifetimeSeconds) } }),
  });
  return {
    certificate: { cert: issued.certificate, key: privateKey, ca: issued.authority },
    credential: issued.credential?.id ?? "",
  };
}

/** An organization, one application of it, and the application's certificate. */
export interface EnrolledOrganization {
  readonly organization: string;
  readonly application: string;
  readonly certificate: ClientCertificate;
}

/** A repeat with the same `requestId` returns the same organization and application, with a new certificate. */
export async function enrolOrganization(
  operator: Transport,
  names: { readonly organization: string; readonly application: string },
  requestId: string = randomUUID(),
): Promise<EnrolledOrganization> {
  const client = createClient(OrganizationService, operator);
  const { organization } = await client.createOrganization({
    organization: { displayName: names.organization },
    requestId,
  });
  const { application } = await client.createApplication({
    application: { organization: organization!.id, displayName: names.application },
    requestId,
  });
  const { certificate } = await issueCertificate(operator, application!.id);
  return { organization: organization!.id, application: application!.id, certificate };
}

/** The new patient's id. A repeat with the same `requestId` returns the same patient. `timeZone` is an IANA name. */
export async function enrolPatient(
  operator: Transport,
  patient: { readonly displayName: string; readonly timeZone: string },
  requestId: string = randomUUID(),
): Promise<string> {
  const { displayName, timeZone } = patient;
  const created = await createClient(PatientService, operator).createPatient({
    patient: { displayName, timeZones: [{ timeZone }] },
    requestId,
  });
  return created.patient!.id;
}
