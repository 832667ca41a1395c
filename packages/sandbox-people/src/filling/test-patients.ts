import { type Client, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { type Consent, Consent_State, Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type PersonName, personNames } from "../people.ts";
import { createPerson } from "../person.ts";
import { askingAgain } from "./asking-again.ts";

/** How an organization of a sandbox and its test patients call. */
export interface SandboxDoors {
  /** As a member or an application of the organization. */
  readonly organization: Transport;
  /** With a patient's token, and nothing else. */
  readonly asPatient: (token: string) => Transport;
}

/** A patient who does not exist. */
export interface TestPatient {
  /** The organization's own id for them. */
  readonly id: string;
  readonly displayName: string;
  /** Who it is, where it is one of the people of this package. */
  readonly person?: { readonly name: PersonName; readonly seed: number };
}

/** What a test patient lets the organization do. */
export interface Permitted {
  readonly contribute: boolean;
  readonly read: boolean;
}

export interface TestPatients {
  /** Those who are not erased. */
  list(signal?: AbortSignal): Promise<readonly TestPatient[]>;
  /** Enrols one of the people. They permit nothing yet. */
  enrol(name: PersonName, seed: number): Promise<TestPatient>;
  /** Grants and revokes, as the patient, what is not as it should be; `organization`: its id. */
  settle(id: string, organization: string, permitted: Permitted): Promise<void>;
  /** What the patient permits the organization or did, newest first, as the organization would read it; asked for as the patient. */
  consentsOf(id: string, organization: string): Promise<readonly Consent[]>;
  /** As the patient. */
  revoke(id: string, consent: string): Promise<void>;
  /** For ever, with all of their data, as each of them. Who is erased already stays it. */
  erase(ids: readonly string[]): Promise<void>;
}

const categories = ["heart", "activity", "sleep", "body", "glucose", "respiratory"];
/** More than an organization may have. */
const mostListed = 1_000;
const named = new Map(personNames.map((name) => [createPerson(name, 0).displayName, name]));

/** By which the person is found again: the exchange keeps nothing else of where a test patient comes from. */
function displayNameOf(name: PersonName, seed: number): string {
  return `${createPerson(name, seed).displayName} (seed ${seed})`;
}

function personOf(displayName: string): TestPatient["person"] {
  const [, text = "", seed] = /^(.+) \(seed (\d{1,16})\)$/.exec(displayName) ?? [];
  const name = named.get(text);
  return name === undefined ? undefined : { name, seed: Number(seed) };
}

function testPatient(id: string, displayName: string): TestPatient {
  const person = personOf(displayName);
  return { id, displayName, ...(person !== undefined && { person }) };
}

export function createTestPatients(doors: SandboxDoors): TestPatients {
  const transport = askingAgain(doors.organization);
  const patients = createClient(PatientService, transport);
  const tokens = createClient(TokenService, transport);

  async function actAs(id: string): Promise<{ readonly patient: string; readonly self: Transport }> {
    const requestId = crypto.randomUUID();
    const { token, patient } = await tokens.issuePatientToken({ patient: id, requestId });
    return { patient, self: askingAgain(doors.asPatient(token)) };
  }

  async function eraseOne(id: string): Promise<void> {
    try {
      const { patient, self } = await actAs(id);
      await createClient(RecordsService, self).erasePatient({ patient });
    } catch (error) {
      // Erased meanwhile: nobody acts as them any more.
      if (ConnectError.from(error).code !== Code.NotFound) throw error;
    }
  }

  return {
    async list(signal) {
      const listed = await patients.listPatients({ pageSize: mostListed }, signal ? { signal } : {});
      return listed.patients.map(({ id, displayName }) => testPatient(id, displayName));
    },
    async enrol(name, seed) {
      const displayName = displayNameOf(name, seed);
      const { timeZone } = createPerson(name, seed);
      const { patient } = await patients.createPatient({
        patient: { displayName, timeZones: [{ timeZone }] },
        requestId: crypto.randomUUID(),
      });
      return testPatient(patient!.id, displayName);
    },
    async settle(id, organization, permitted) {
      const consents = createClient(ConsentService, (await actAs(id)).self);
      await settle(consents, organization, Direction.CONTRIBUTE, permitted.contribute);
      await settle(consents, organization, Direction.READ, permitted.read);
    },
    async consentsOf(id, grantee) {
      const own = createClient(ConsentService, (await actAs(id)).self);
      const { consents } = await own.listConsents({ grantee, pageSize: mostListed });
      return consents.map((consent) => knownAs(id, consent));
    },
    async revoke(id, consent) {
      await createClient(ConsentService, (await actAs(id)).self).revokeConsent({ consent });
    },
    async erase(ids) {
      const results = await Promise.allSettled(ids.map(eraseOne));
      for (const one of results) if (one.status === "rejected") throw one.reason;
    },
  };
}

/** With the organization's id of the patient, also where they granted themselves or somebody did for them. */
function knownAs(id: string, consent: Consent): Consent {
  const { patient: own, grantor } = consent;
  const known = <T extends { readonly id: string }>(actor: T): T =>
    actor.id === own ? { ...actor, id } : actor;
  if (grantor === undefined) return { ...consent, patient: id };
  const { onBehalfOf } = grantor;
  const told = { ...known(grantor), ...(onBehalfOf && { onBehalfOf: known(onBehalfOf) }) };
  return { ...consent, patient: id, grantor: told };
}

/** A consent for each direction, so that the right to read ends and begins without the data that comes. */
async function settle(
  consents: Client<typeof ConsentService>,
  grantee: string,
  direction: Direction,
  permits: boolean,
): Promise<void> {
  const active = await consents.listConsents({ states: [Consent_State.ACTIVE], grantee });
  const found = active.consents.filter((one) => isFor(one, direction));
  if (permits && found.length === 0) {
    await consents.createConsent({ requestId: crypto.randomUUID(), consent: consentTo(grantee, direction) });
  }
  if (!permits) for (const { id } of found) await consents.revokeConsent({ consent: id });
}

function isFor({ provisions }: Consent, direction: Direction): boolean {
  return provisions.some(
    ({ effect, directions }) => effect === Provision_Effect.PERMIT && directions.includes(direction),
  );
}

/** What a test patient of these permits in one direction: six categories, down to single values, for treatment. */
function consentTo(grantee: string, direction: Direction) {
  return {
    grantee,
    provisions: [
      {
        effect: Provision_Effect.PERMIT,
        directions: [direction],
        categories: categories.map((name) => ({ name })),
        purposes: direction === Direction.READ ? [Purpose.TREATMENT] : [],
        resolution: Resolution.RAW,
      },
    ],
  };
}
