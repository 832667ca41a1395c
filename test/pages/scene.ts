/** An exchange with people in every part: what each page needs to have something on it. */
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { operatorAt } from "@wellapi/demo/people";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { Delegation_State, DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
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
  /** Acts for nobody, and has no record. */
  readonly bert: Account;
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
  await employ(world, ada);
  await nameCarer(grace, ada);
  await nameCarer(ada, bert);
  await createClient(DelegationService, ada.as(ada.patient)).inviteCarer({
    patient: ada.patient,
    email: "neighbour@example.org",
    displayName: "Mrs Neighbour",
    requestId: crypto.randomUUID(),
  });
  await enterGuardian(ada, bert);
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
  return { world, ada, grace, bert, waiting: organization!.id, close: () => world.close() };
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
async function enterGuardian(ada: Account, bert: Account): Promise<void> {
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
  const { delegation } = await enter(bert.email, bert.name);
  await bert.accept();
  await office.setGuardianState({
    delegation: delegation!.id,
    state: Delegation_State.DISPUTED,
    reason: "the court was asked again",
  });
}
