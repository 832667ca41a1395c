import { DeathDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/death_directory_service_pb";
import { EmergencyDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/emergency_directory_service_pb";
import { MemberMailService } from "@wellapi/gen/wellapi/internal/identity/v1/member_mail_service_pb";
import { PatientMailService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_mail_service_pb";
import type { Follower } from "@wellapi/journal";
import { route } from "@wellapi/rpc";
import { createItemSealer } from "@wellapi/vault";
import type { Accesses } from "./accesses.ts";
import type { AccountRepository } from "./accounts/account-repository.ts";
import { openAccountRoom } from "./accounts/room.ts";
import { collections } from "./collections.ts";
import { type IdentityConfig, type IdentityDeps, usualOwnCare } from "./config.ts";
import type { CreationOf } from "./creation.ts";
import type { Answers } from "./credentials/answers.ts";
import { createDeathDirectoryHandlers } from "./death/death-directory-handlers.ts";
import type { FrozenRecords } from "./death/frozen-records.ts";
import type { DelegationRepository } from "./delegations/delegation-repository.ts";
import { createOfferMail } from "./delegations/offer-mail.ts";
import { createDelegationRoom } from "./delegations/room.ts";
import { createEmergencyDirectoryHandlers } from "./emergency/emergency-directory-handlers.ts";
import { createGuardianNotices } from "./guardianships/guardian-notices.ts";
import { openGuardianshipRoom } from "./guardianships/room.ts";
import { openAlertOutbox } from "./mail/alert-outbox.ts";
import { createMemberMailHandlers } from "./mail/member-mail-handlers.ts";
import { openMailer } from "./mail/open-mailer.ts";
import { createPatientMailHandlers } from "./mail/patient-mail-handlers.ts";
import { createInvitationMail } from "./members/invitation-mail.ts";
import { createMemberRoom, type MemberStores, openInvitationSweep } from "./members/room.ts";
import type { FoundingRepository } from "./organizations/founding-repository.ts";
import type { OrganizationRepository } from "./organizations/organization-repository.ts";
import { createSignUp } from "./organizations/sign-up.ts";
import type { ClaimCodeRepository } from "./patients/claim-code-repository.ts";
import type { PatientAccess } from "./patients/patient-access.ts";
import type { PatientRepository } from "./patients/patient-repository.ts";
import { openSweep } from "./sweep.ts";

/** Those who sign in: their accounts, and what they are members of. */
export async function openPeople(
  config: IdentityConfig,
  deps: Omit<IdentityDeps, "journal"> &
    MemberStores & {
      readonly organizations: OrganizationRepository;
      readonly foundings: FoundingRepository;
      readonly patients: PatientRepository;
      readonly accounts: AccountRepository;
      readonly patientAccess: PatientAccess;
      readonly delegations: DelegationRepository;
      readonly frozen: FrozenRecords;
      readonly journal: Follower;
      readonly accesses: Accesses;
      readonly creationOf: CreationOf;
      readonly answers: Answers;
      readonly claims: ClaimCodeRepository;
      readonly ended: (id: string) => void;
    },
) {
  const { origin } = config;
  const opened = await openMailer(config, deps);
  const mailer = deps.mailer ?? opened.mailer;
  const memberRoom = createMemberRoom({ ...deps, mail: createInvitationMail({ mailer, origin }) });
  const sweep = await openInvitationSweep(deps);
  const claimSweep = await openSweep({ ...deps, collection: collections.claimCodes, keptMs: 0 });
  const alerts = openAlertOutbox({
    ...deps,
    mailer,
    sealer: createItemSealer(await deps.kms.derive("identity/alerts")),
  });
  const { majority = 18, ownCareAge = 14, ownCareCategories = usualOwnCare } = config;
  const minority = { majority, ownCareAge, ownCareCategories };
  const telling = { ...deps, minority, alerts, origin };
  const guardians = { ...deps, notices: createGuardianNotices(telling), minority };
  const delegationRoom = createDelegationRoom({ ...guardians, mail: createOfferMail({ mailer, origin }) });
  const guardianshipRoom = await openGuardianshipRoom({ ...guardians, acting: delegationRoom.acting });
  const sandbox = config.profile === "sandbox";
  const signUp = createSignUp({ ...deps, sandbox });
  const accountRoom = await openAccountRoom({
    ...deps,
    signUp,
    sandbox,
    lookups: { ...memberRoom.directory, ...delegationRoom.lookups },
    mailer,
    alerts,
    origin,
    region: config.region,
  });
  const emergencies = createEmergencyDirectoryHandlers(telling);
  const deaths = createDeathDirectoryHandlers(telling);
  const acting = delegationRoom.lookups;
  const patientMail = createPatientMailHandlers({ ...telling, acting, mailer });
  const routes = [
    ...accountRoom.routes,
    guardianshipRoom.route,
    route(EmergencyDirectoryService, emergencies),
    route(DeathDirectoryService, deaths),
    route(PatientMailService, patientMail),
    route(MemberMailService, createMemberMailHandlers(telling)),
  ];
  return {
    memberRoom,
    delegationRoom,
    signUp,
    accountRoom: { ...accountRoom, routes },
    alerts,
    authTime: accountRoom.authTime,
    mailbox: opened.mailbox,
    async close() {
      await sweep.close();
      await claimSweep.close();
      await guardianshipRoom.close();
      await accountRoom.close();
      await alerts.close();
      opened.close();
    },
  };
}
