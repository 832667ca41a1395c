import type { Transport } from "@connectrpc/connect";
import { type ClientCertificate, type Connection, connect, connectAsPatient } from "@wellapi/client";
import { enrolOrganization, enrolPatient } from "@wellapi/client/enrolment";
import type { PersonsBrowser } from "./browser.ts";
import { register } from "./registration.ts";
import type { Announcement } from "./server.ts";

/** A company with an application that holds a client certificate. */
export interface Company {
  readonly name: string;
  readonly organization: string;
  readonly certificate: ClientCertificate;
  /** The gRPC door, by its own certificate. */
  readonly transport: Transport;
}

export interface Person {
  readonly name: string;
  /** Their own id. */
  readonly id: string;
  readonly transport: Transport;
}

/** The gateway, by the operator's key. */
export function operatorAt(server: Announcement): Connection {
  return connect({ url: server.http, apiKey: server.operatorKey ?? "" });
}

/** Enrols as the operator does: organization, application, certificate. With the same `requestId` it is the same company. */
export async function enrolCompany(server: Announcement, name: string, requestId?: string): Promise<Company> {
  const names = { organization: name, application: "demo" };
  const { organization, certificate } = await enrolOrganization(operatorAt(server), names, requestId);
  return { name, organization, certificate, transport: connect({ url: server.grpc, certificate }) };
}

/** The same company at a server that was started anew. */
export function companyAt(server: Announcement, company: Company): Company {
  const { certificate } = company;
  return { ...company, transport: connect({ url: server.grpc, certificate }) };
}

/** A person who made their own account, with a passkey, and is signed in in their browser. */
export interface SignedInPerson extends Person {
  readonly browser: PersonsBrowser;
}

/** As the person does it themselves: nobody enrols them, and no operator is asked. */
export async function registerPerson(
  server: Announcement,
  name: string,
  email: string,
): Promise<SignedInPerson> {
  const { patient, browser } = await register(originOf(server), { name, email, timeZone: "UTC" });
  return { name, id: patient, transport: browser.as(), browser };
}

/** Where people and OAuth clients reach the sandbox: a passkey belongs to a name, not to an address. */
export function originOf({ http }: Announcement): string {
  return http.replace("127.0.0.1", "localhost");
}

/** Enrols a patient and signs in as them, which the sandbox lets the operator do. */
export async function enrolPerson(server: Announcement, name: string, timeZone = "UTC"): Promise<Person> {
  const patient = { displayName: name, timeZone };
  const id = await enrolPatient(operatorAt(server), patient);
  return personAt(server, id, name);
}

/** Signs in as a patient who is enrolled. */
export async function personAt(server: Announcement, id: string, name = id): Promise<Person> {
  const { http: url, operatorKey = "" } = server;
  return { name, id, transport: await connectAsPatient({ url, operatorKey, patient: id }) };
}
