import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type Client, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { type Connection, connect, issuePatientToken, paginate } from "@wellapi/client";
import { enrolOrganization, enrolPatient } from "@wellapi/client/enrolment";
import { Consent_State, Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createPerson, type PersonName } from "@wellapi/sandbox-people";
import { CliError } from "../failure.ts";
import { type EnrolledOrganizations, type EnrolledPerson, requestIdOf, type SandboxFolder } from "./state.ts";

/** The exchange, and the operator at it. */
export interface Exchange {
  readonly url: string;
  readonly grpcUrl: string;
  readonly operator: Transport;
}

const categories = ["heart", "activity", "sleep", "body", "glucose", "respiratory"];

/** Throws the exchange's SANDBOX_ONLY where it is none, before anything is made there. */
export async function refuseProduction({ operator }: Exchange): Promise<void> {
  try {
    // Where tokens of patients are not issued at all, the patient is not looked for.
    await createClient(TokenService, operator).issuePatientToken({
      requestId: randomUUID(),
      patient: "nobody",
    });
  } catch (error) {
    const { code } = ConnectError.from(error);
    if (code !== Code.NotFound && code !== Code.InvalidArgument) throw error;
  }
}

/** The devices' organization with its certificate, and the developer's with its key. Made once. */
export async function enrolOrganizations(
  { operator }: Exchange,
  folder: SandboxFolder,
): Promise<EnrolledOrganizations> {
  const state = folder.state();
  if (state.organizations !== undefined) return state.organizations;
  const names = { organization: "Sandbox devices", application: "Devices" };
  const devices = await enrolOrganization(operator, names, requestIdOf(state, "devices"));
  mkdirSync(folder.file("devices"), { recursive: true, mode: 0o700 });
  const { key, cert, ca } = devices.certificate;
  writeFileSync(folder.file("devices", "key.pem"), key, { mode: 0o600 });
  writeFileSync(folder.file("devices", "cert.pem"), cert);
  writeFileSync(folder.file("devices", "ca.pem"), ca);

  const requestId = requestIdOf(state, "organization");
  const organizations = createClient(OrganizationService, operator);
  const organization = state.filled ?? (await createOwn(organizations, requestId));
  const { application } = await organizations.createApplication({
    application: { organization, displayName: "Sandbox" },
    requestId,
  });
  const { apiKey } = await createClient(CredentialService, operator).createApiKey({
    application: application!.id,
    displayName: "sandbox",
    requestId: requestIdOf(state, "key"),
  });
  writeFileSync(folder.file("api-key"), `${apiKey}\n`, { mode: 0o600 });
  const enrolled = {
    devices: devices.organization,
    organization,
    application: application!.id,
  };
  folder.save({ organizations: enrolled });
  return enrolled;
}

async function createOwn(
  organizations: Client<typeof OrganizationService>,
  requestId: string,
): Promise<string> {
  const { organization } = await organizations.createOrganization({
    organization: { displayName: "Sandbox" },
    requestId,
  });
  return organization!.id;
}

/** By the certificate of the devices' organization. */
export function connectDevices({ grpcUrl }: Exchange, folder: SandboxFolder): Connection {
  const [cert, key, ca] = ["cert.pem", "key.pem", "ca.pem"].map((name) =>
    readFileSync(folder.file("devices", name), "utf8"),
  ) as [string, string, string];
  return connect({ url: grpcUrl, certificate: { cert, key, ca } });
}

/** The gateway as the patient. */
export async function connectPatient(exchange: Exchange, patient: string): Promise<Connection> {
  return connect({ url: exchange.url, token: await issuePatientToken(exchange.operator, patient) });
}

/** The people of this generation, each with a consent for the devices and one for the developer. */
export async function enrolPeople(exchange: Exchange, folder: SandboxFolder): Promise<void> {
  const state = folder.state();
  if (state.people !== undefined) return;
  const organizations = await enrolOrganizations(exchange, folder);
  const granted = await Promise.all(
    state.names.map(async (name) => {
      const { displayName, timeZone } = createPerson(name, state.seed);
      const requestId = requestIdOf(state, "patient", name);
      const patient = await enrolPatient(exchange.operator, { displayName, timeZone }, requestId);
      const self = await connectPatient(exchange, patient);
      const consents = createClient(ConsentService, self);
      const [devices, reading] = await Promise.all([
        consents.createConsent({
          requestId: requestIdOf(state, "contributing", name),
          consent: consentTo(organizations.devices, [Direction.CONTRIBUTE]),
        }),
        consents.createConsent({
          requestId: requestIdOf(state, "reading", name),
          consent: developersConsent(organizations),
        }),
      ]);
      return { name, patient, devices: devices.consent!.id, reading: reading.consent!.id };
    }),
  );
  const apiKey = readFileSync(folder.file("api-key"), "utf8").trim();
  const devices = connectDevices(exchange, folder);
  const [atDevices, atOrganization] = await Promise.all([
    patientsByConsent(devices),
    patientsByConsent(connect({ url: exchange.url, apiKey })),
  ]);
  devices.close();
  const people = granted.map(({ name, patient, devices, reading }): [PersonName, EnrolledPerson] => [
    name,
    {
      patient,
      atDevices: namedIn(atDevices, devices),
      atOrganization: namedIn(atOrganization, reading),
    },
  ]);
  folder.save({ people: Object.fromEntries(people) });
}

/** A grantee's own ids of its patients, by consent. */
async function patientsByConsent(grantee: Transport): Promise<Map<string, string>> {
  const client = createClient(ConsentService, grantee);
  const pages = paginate(
    (pageToken) => client.listConsents({ pageToken, pageSize: 1_000 }),
    ({ consents }) => consents,
  );
  return new Map((await Array.fromAsync(pages)).map(({ id, patient }) => [id, patient]));
}

function namedIn(patients: ReadonlyMap<string, string>, consent: string): string {
  const patient = patients.get(consent);
  if (patient === undefined) throw new CliError("input", `its grantee is not shown ${consent}: try again`);
  return patient;
}

function developersConsent({ organization }: EnrolledOrganizations) {
  return consentTo(organization, [Direction.CONTRIBUTE, Direction.READ]);
}

function consentTo(grantee: string, directions: readonly Direction[]) {
  return {
    grantee,
    provisions: [
      {
        effect: Provision_Effect.PERMIT,
        directions: [...directions],
        categories: categories.map((name) => ({ name })),
        purposes: directions.includes(Direction.READ) ? [Purpose.TREATMENT] : [],
        resolution: Resolution.RAW,
      },
    ],
  };
}

/** Grants or revokes the revoker's consent to the developer, where it is not as it should be. */
export async function settleRevoker(
  exchange: Exchange,
  folder: SandboxFolder,
  permits: boolean,
): Promise<void> {
  const { people, organizations } = folder.state();
  if (people?.revoker === undefined || organizations === undefined) return;
  const consents = createClient(ConsentService, await connectPatient(exchange, people.revoker.patient));
  const active = await consents.listConsents({
    states: [Consent_State.ACTIVE],
    grantee: organizations.organization,
  });
  if (permits && active.consents.length === 0) {
    await consents.createConsent({ requestId: randomUUID(), consent: developersConsent(organizations) });
  }
  if (!permits) {
    for (const { id } of active.consents) await consents.revokeConsent({ consent: id });
  }
}

/** Erases these people, as each of them; who is erased stays listed. */
export async function erasePeople(
  exchange: Exchange,
  folder: SandboxFolder,
  names: readonly PersonName[],
): Promise<void> {
  const people = { ...folder.state().people };
  await Promise.all(
    names.map(async (name) => {
      const person = people[name];
      if (person === undefined || person.erased) return;
      const self = await connectPatient(exchange, person.patient);
      await createClient(RecordsService, self).erasePatient({ patient: person.patient });
      people[name] = { ...person, erased: true };
    }),
  );
  folder.save({ people });
}
