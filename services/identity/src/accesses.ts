import type { DescMethod } from "@bufbuild/protobuf";
import {
  type AccessInit,
  type AccessLog,
  createLoggedCalls,
  entryOf,
  type RunLogged,
  type Shown,
} from "@wellapi/access-log";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { GrantService } from "@wellapi/gen/wellapi/identity/v1/grant_service_pb";
import { GuardianshipService } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { StaffService } from "@wellapi/gen/wellapi/identity/v1/staff_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { DeathDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/death_directory_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import type { Entry } from "@wellapi/journal";
import type { Caller } from "@wellapi/rpc";
import type { Store } from "@wellapi/store";
import type { Pairwise } from "@wellapi/vault";
import { isOfAccount } from "./accounts/account-journal.ts";
import { INSTALLATION } from "./collections.ts";
import type { CommitWithLeaf } from "./creation.ts";
import { isOfPatient, isOfToken } from "./journal-entries.ts";
import { isOfGrant } from "./oauth/grant-journal.ts";
import { type Patient, patientIdOf } from "./patients/patient.ts";

type Subject = Pick<Patient, "id" | "partition">;

/** One call that leaves an entry in the log. */
export interface Call {
  readonly caller: Caller;
  /** Entries name what an anonymous caller showed in the request itself. */
  showed(shown: Shown): void;
  /** Commits a change together with the call's leaf, which is the patient's where the change is about one. */
  commit(patient?: Subject): CommitWithLeaf;
  /** Names patients whom a call without a change, or a denied one, is about: each gets a leaf. */
  about(...patients: readonly Subject[]): void;
}

/** What goes on where a full disk takes nothing else: a patient signs in to revoke, and access ends. */
const endsAccess: ReadonlySet<DescMethod> = new Set<DescMethod>([
  TokenService.method.issuePatientToken,
  TokenService.method.revokePatientTokens,
  CredentialService.method.revokeCredential,
  CredentialService.method.reportLeakedApiKey,
  DelegationService.method.endDelegation,
  DelegationService.method.setGuardianState,
  GrantService.method.endGrants,
  GuardianshipService.method.disputeGuardian,
  GuardianshipService.method.withdrawPetition,
  OrganizationService.method.disableOrganization,
  OrganizationService.method.disableApplication,
  OrganizationService.method.unverifyOrganization,
  OrganizationService.method.disableEmergencyAccess,
  MemberService.method.removeMember,
  MemberService.method.revokeInvitation,
  StaffService.method.removeStaff,
  StaffService.method.revokeStaffInvitation,
  PatientDirectoryService.method.markErased,
  DeathDirectoryService.method.applyDeath,
]);

export interface Accesses {
  /** Of a call that changes something or touches a patient. */
  readonly logged: RunLogged<Call>;
  /** Of `count` calls of an RPC that a door refused by the callers' table; durable when it resolves. */
  denied(caller: Caller, method: string, count: number, reason: string): Promise<void>;
}

export function createAccesses(deps: {
  readonly store: Store;
  readonly accessLog: AccessLog;
  readonly pairwise: Pairwise;
}): Accesses {
  const { store, accessLog, pairwise } = deps;
  const calls = createLoggedCalls({ accessLog, pairwise, home: INSTALLATION });
  return {
    async denied(caller, method, count, reason) {
      const entry = entryOf(pairwise, {
        caller,
        method,
        patient: undefined,
        outcome: "denied",
        reason,
        consents: [],
        items: count,
        requestId: "",
      });
      await accessLog.record(INSTALLATION, false, entry);
    },
    logged: (context, method, requestId, work) =>
      calls.run(context, method, requestId, ({ caller, showed, about, leaf, committed }) =>
        work({
          caller,
          showed,
          about(...patients) {
            for (const patient of patients) about(patient);
          },
          commit: (patient) => async (change) => {
            const changes = [...change.changes, leaf(patient).change];
            const result = await store.commit({ ...change, changes, useReserve: endsAccess.has(method) });
            if (result.committed) committed();
            return result;
          },
        }),
      ),
  };
}

/** The RPC that first made a change which an entry of the journal names. */
function changedBy(entry: Entry): DescMethod {
  const { kind } = entry;
  const { method } = OrganizationService;
  if (isOfAccount(entry)) {
    return entry.subject.startsWith("ses_")
      ? AccountService.method.endSessions
      : AccountService.method.removePasskey;
  }
  if (isOfGrant(entry)) return GrantService.method.endGrants;
  if (isOfToken(entry)) return TokenService.method.revokePatientTokens;
  switch (kind) {
    case "patient_erased":
      return PatientDirectoryService.method.markErased;
    case "record_frozen":
      return DeathDirectoryService.method.applyDeath;
    case "credential_shortened":
      return CredentialService.method.rotateApiKey;
    case "organization_disabled":
      return method.disableOrganization;
    case "organization_enabled":
      return method.enableOrganization;
    case "organization_deleted":
      return method.deleteOrganization;
    case "application_disabled":
      return method.disableApplication;
    case "application_enabled":
      return method.enableApplication;
    case "application_deleted":
      return method.deleteApplication;
    case "organization_unverified":
      return method.unverifyOrganization;
    case "emergency_disabled":
      return method.disableEmergencyAccess;
    case "member_changed":
      return MemberService.method.updateMember;
    case "delegation_changed":
      return DelegationService.method.endDelegation;
    case "invitation_ended":
      return MemberService.method.revokeInvitation;
    default:
      return CredentialService.method.revokeCredential;
  }
}

/** The log's entry for a change that is repeated because of an entry of the journal. */
export function replayedAccess(pairwise: Pairwise, entry: Entry): AccessInit {
  const { partition } = entry;
  const method = changedBy(entry);
  return entryOf(pairwise, {
    caller: { principal: { kind: "service", id: "identity" }, workload: "identity", token: "" },
    method: `${method.parent.typeName}/${method.name}`,
    patient: isOfPatient(entry) ? patientIdOf(partition) : undefined,
    outcome: "permitted",
    reason: "REPLAYED_AFTER_RESTORE",
    consents: [],
    items: 0,
    requestId: "",
  });
}
