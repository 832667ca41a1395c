/** An exchange with people in every part: what each page needs to have something on it. */
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { operatorAt } from "@wellapi/demo/people";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { DeathService } from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { Delegation_State, DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import {
  GuardianshipService,
  Petition_State,
} from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { StaffService } from "@wellapi/gen/wellapi/identity/v1/staff_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { openWorld, type World } from "../oauth/world.ts";
import { type Account, openAccount } from "./accounts.ts";

export interface Scene {
  readonly world: World;
  /** A patient who is a carer, an owner and clinician, and of the staff. */
  readonly ada: Account;
  /** Names Ada as a carer. */
  readonly grace: Account;
  /** A carer of Ada's, and has no record. */
  readonly bert: Account;
  /** Died: Ada represents her. */
  readonly frida: Account;
  /** Is reported dead, by the company and by the officer; a disputed guardian of Ada's, and wants to be Grace's. */
  readonly edgar: Account;
  /** Not verified; the world's own company is. */
  readonly waiting: string;
  close(): Promise<void>;
}

export async function openScene(): Promise<Scene> {
  const world = await openWorld();
  const { issuer: origin } = world;
  const open = (name: string, first: string, record = true) =>
    openAccount(origin, { name, email: `${first}@example.org`, record });
  const ada = await open("Ada Example", "ada");
  const grace = await open("Grace Example", "grace");
  const bert = await open("Bert Example", "bert", false);
  const frida = await open("Frida Example", "frida");
  const edgar = await open("Edgar Example", "edgar");
  await employ(world, ada);
  await nameCarer(grace, ada);
  await nameCarer(ada, bert);
  await createClient(DelegationService, ada.as(ada.patient)).inviteCarer({
    patient: ada.patient,
    email: "neighbour@example.org",
    displayName: "Mrs Neighbour",
    requestId: crypto.randomUUID(),
  });
  await enterGuardian(ada, edgar);
  await petition(ada, grace, edgar);
  for (const categories of [["heart", "activity"], ["sleep"]]) {
    await grant({ transport: ada.as(ada.patient) }, world.company, Direction.READ, categories);
  }
  await grant({ transport: grace.as(grace.patient) }, world.company, Direction.CONTRIBUTE);
  const { organization } = await world.organizations.createOrganization({
    organization: { displayName: "Herzzentrum für Prävention und Rehabilitation" },
    requestId: crypto.randomUUID(),
  });
  const office = createClient(OrganizationService, ada.as("staff"));
  await office.verifyOrganization({
    organization: world.company.organization,
    legalName: "Pulse Makers GmbH",
    domain: "pulse.example",
    agreements: ["data processing agreement 2026-03"],
  });
  await office.enableEmergencyAccess({ organization: world.company.organization });
  await openEmergency(world, ada, grace);
  await reportDeaths(world, ada, frida, edgar);
  return { world, ada, grace, bert, frida, edgar, waiting: organization!.id, close: () => world.close() };
}

async function employ({ server, company }: World, ada: Account): Promise<void> {
  const operator = operatorAt(server);
  const staff = createClient(StaffService, operator);
  const members = createClient(MemberService, operator);
  const { organization } = company;
  const requestId = () => crypto.randomUUID();
  await staff.inviteStaff({
    email: ada.email,
    roles: [Role.OPERATOR, Role.PRIVACY_OFFICER],
    requestId: requestId(),
  });
  await ada.accept();
  await members.inviteMember({
    organization,
    email: ada.email,
    roles: [Role.OWNER, Role.CLINICIAN],
    requestId: requestId(),
  });
  await ada.accept();
  await staff.inviteStaff({ email: "sam@example.org", roles: [Role.SUPPORT], requestId: requestId() });
  await members.inviteMember({
    organization,
    email: "dora.developer@example.org",
    roles: [Role.DEVELOPER, Role.AUDITOR],
    requestId: requestId(),
  });
}

/** Reads the patient's record without a permission; the patient gave the code. */
async function openEmergency({ company }: World, clinician: Account, patient: Account): Promise<void> {
  const settings = createClient(EmergencyService, patient.as(patient.patient));
  const { emergencyCode } = await settings.createEmergencyCode({});
  await createClient(EmergencyService, clinician.as(company.organization)).openEmergencyAccess({
    who: { case: "emergencyCode", value: emergencyCode },
    reason: "found unconscious at the station",
    requestId: crypto.randomUUID(),
  });
}

/** One is confirmed, with Ada as the representative; the other waits. */
async function reportDeaths(world: World, ada: Account, confirmed: Account, waiting: Account): Promise<void> {
  const { organization } = world.company;
  for (const patient of [confirmed, waiting]) {
    await grant({ transport: patient.as(patient.patient) }, world.company, Direction.READ);
  }
  await ada.confirm();
  const office = createClient(DeathService, ada.as("staff"));
  const report = async ({ patient }: Account) => {
    const said = { patient, dateOfDeath: "2026-03-31", grounds: "death certificate 12/2026" };
    return (await office.reportDeath({ ...said, requestId: crypto.randomUUID() })).deathReport!.id;
  };
  await office.confirmDeath({ deathReport: await report(confirmed), note: "certificate seen" });
  await report(waiting);
  const { consents } = await createClient(ConsentService, world.company.transport).listConsents({});
  const known = consents.find(({ patient }) => patient !== "")!.patient;
  await createClient(DeathService, ada.as(organization)).reportDeath({
    ...{ patient: known, dateOfDeath: "2026-04-01", grounds: "notice of the hospital" },
    requestId: crypto.randomUUID(),
  });
  await createClient(DelegationService, ada.as("staff")).inviteRepresentative({
    ...{ patient: confirmed.patient, email: ada.email, displayName: ada.name },
    grounds: "certificate of inheritance 7/2026",
    requestId: crypto.randomUUID(),
  });
  await ada.accept();
}

async function nameCarer(patient: Account, carer: Account): Promise<void> {
  await createClient(DelegationService, patient.as(patient.patient)).inviteCarer({
    patient: patient.patient,
    email: carer.email,
    displayName: carer.name,
    requestId: crypto.randomUUID(),
  });
  await carer.accept();
}

/** A guardian whom the officer has entered, and another one whose access is stopped. */
async function enterGuardian(ada: Account, guardian: Account): Promise<void> {
  const office = createClient(DelegationService, ada.as("staff"));
  const enter = (email: string, displayName: string) =>
    office.inviteGuardian({
      patient: ada.patient,
      email,
      displayName,
      grounds: "court order 12 XVII 345/26",
      requestId: crypto.randomUUID(),
    });
  await enter("gustav@example.org", "Gustav Guardian");
  const { delegation } = await enter(guardian.email, guardian.name);
  await guardian.accept();
  await office.setGuardianState({
    delegation: delegation!.id,
    state: Delegation_State.DISPUTED,
    reason: "the court was asked again",
  });
  await createClient(GuardianshipService, ada.as(ada.patient)).disputeGuardian({
    delegation: delegation!.id,
    reason: "the order is of another person",
  });
}

/** Edgar wants to act for Grace, which the officer decides; he was refused once. */
async function petition(officer: Account, patient: Account, person: Account): Promise<void> {
  const own = createClient(GuardianshipService, person.as("account"));
  const ask = async () => {
    const { petition: asked } = await own.createPetition({
      code: await guardianCode(patient),
      displayName: person.name,
      patientName: "Grace E.",
      grounds: "court order 7 XVII 12/26",
      birthDate: "2019-03-31",
      requestId: crypto.randomUUID(),
    });
    return asked!.id;
  };
  await createClient(GuardianshipService, officer.as("staff")).decidePetition({
    petition: await ask(),
    state: Petition_State.REFUSED,
    reason: "the order has ended",
  });
  await ask();
}

/** By which one person may ask to become the patient's guardian. */
export async function guardianCode(patient: Account): Promise<string> {
  const client = createClient(GuardianshipService, patient.as(patient.patient));
  const asked = { patient: patient.patient, requestId: crypto.randomUUID() };
  return (await client.createGuardianCode(asked)).code;
}
