import { randomUUID } from "node:crypto";
import { createClient, type Transport } from "@connectrpc/connect";
import { createCertificateRequest } from "@wellapi/cli/certificate-request";
import { connect, connectDoor } from "@wellapi/cli/connection";
import type { Settings } from "@wellapi/cli/settings";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import type { Server } from "./server.ts";

/** A company with an application that holds a client certificate. */
export interface Company {
  readonly name: string;
  readonly organization: string;
  readonly certificate: { readonly cert: string; readonly key: string; readonly ca: string };
  /** The gRPC door, by its own certificate. */
  readonly transport: Transport;
}

export interface Person {
  readonly name: string;
  /** Their own id. */
  readonly id: string;
  readonly transport: Transport;
}

function settingsFor(server: Server, more: Partial<Settings>): Settings {
  return { url: server.http, grpcUrl: server.grpc, json: false, ...more };
}

function operatorOf(server: Server): Settings {
  return settingsFor(server, { apiKey: server.operatorKey ?? "" });
}

/** Enrols as the operator does: organization, application, certificate. */
export async function enrolCompany(server: Server, name: string): Promise<Company> {
  const operator = await connect(operatorOf(server));
  const organizations = createClient(OrganizationService, operator);
  const { organization } = await organizations.createOrganization({
    organization: { displayName: name },
    requestId: `demo-${name}`,
  });
  const { application } = await organizations.createApplication({
    application: { organization: organization!.id, displayName: "demo" },
    requestId: `demo-${name}`,
  });
  const { privateKey, certificateRequest } = await createCertificateRequest();
  const issued = await createClient(CredentialService, operator).issueCertificate({
    requestId: randomUUID(),
    application: application!.id,
    certificateRequest,
  });
  const certificate = { cert: issued.certificate, key: privateKey, ca: issued.authority };
  const transport = connectDoor(settingsFor(server, { certificate }));
  return { name, organization: organization!.id, certificate, transport };
}

/** The same company at a server that was started anew. */
export function companyAt(server: Server, company: Company): Company {
  const { certificate } = company;
  return { ...company, transport: connectDoor(settingsFor(server, { certificate })) };
}

/** Enrols a patient and signs in as them, which the sandbox lets the operator do. */
export async function enrolPerson(server: Server, name: string): Promise<Person> {
  const patients = createClient(PatientService, await connect(operatorOf(server)));
  const { patient } = await patients.createPatient({
    patient: { displayName: name, timeZones: [{ timeZone: "UTC" }] },
    requestId: `demo-${name}`,
  });
  return personAt(server, patient!.id, name);
}

/** Signs in as a patient who is enrolled. */
export async function personAt(server: Server, id: string, name = id): Promise<Person> {
  return { name, id, transport: await connect({ ...operatorOf(server), asPatient: id }) };
}
