import type { AccessInit, AccessLog } from "@wellapi/access-log";
import { type Entry, type Fact, type Follower, JournalError } from "@wellapi/journal";
import type { Store } from "@wellapi/store";
import { isOfAccount, replayEndOf } from "./accounts/account-journal.ts";
import type { AccountRepository } from "./accounts/account-repository.ts";
import { INSTALLATION } from "./collections.ts";
import type { CommitWithLeaf } from "./creation.ts";
import type { Credential } from "./credentials/credential.ts";
import type { CredentialRepository } from "./credentials/credential-repository.ts";
import { toldFreeze } from "./death/freeze-journal.ts";
import { toldDelegation } from "./delegations/delegation-journal.ts";
import type { DelegationRepository } from "./delegations/delegation-repository.ts";
import { IdentityError, journalUnavailable } from "./errors.ts";
import type { InstallationKeyRepository } from "./installation-key-repository.ts";
import type { InvitationRepository } from "./members/invitation-repository.ts";
import { toldMember } from "./members/member-journal.ts";
import type { MemberRepository } from "./members/member-repository.ts";
import { isOfGrant, replayEndOfGrant } from "./oauth/grant-journal.ts";
import { type Kind, type Organization, withoutEmergencyAccess } from "./organizations/organization.ts";
import type { OrganizationRepository } from "./organizations/organization-repository.ts";
import type { PatientRepository } from "./patients/patient-repository.ts";
import type { PatientToken } from "./tokens/patient-token.ts";
import type { PatientTokenRepository } from "./tokens/patient-token-repository.ts";

/** The journal's fact for a revoked credential. */
export function revocationOf({ id, revokeTime = 0 }: Credential): Fact {
  return { kind: "credential_revoked", partition: INSTALLATION, subject: id, time: revokeTime };
}

/** The journal's fact for a key whose end a rotation brought forward. */
export function shorteningOf({ id, expireTime }: Credential): Fact {
  return { kind: "credential_shortened", partition: INSTALLATION, subject: id, time: expireTime };
}

/** The journal's fact for a revoked token of a patient: that of a credential, in the patient's partition. */
export function revocationOfToken(partition: string, { id, revokeTime = 0 }: PatientToken): Fact {
  return { kind: "credential_revoked", partition, subject: id, time: revokeTime };
}

/** Whether the entry is about a token of a patient. */
export function isOfToken({ kind, partition, subject }: Entry): boolean {
  const ofPatient = partition !== INSTALLATION && !partition.startsWith("account/");
  return kind === "credential_revoked" && ofPatient && subject.startsWith("tok_");
}

/** Whether the entry is about a patient: its leaf is the patient's. */
export function isOfPatient(entry: Entry): boolean {
  if (isOfGrant(entry)) return entry.partition !== INSTALLATION;
  const { kind } = entry;
  const ofPatients = ["patient_erased", "delegation_changed", "record_frozen"];
  return ofPatients.includes(kind) || isOfToken(entry);
}

/** The journal's fact for a signing key that was replaced. */
export function replacementOf(kid: string, time: number): Fact {
  return { kind: "signing_key_replaced", partition: INSTALLATION, subject: kid, time };
}

const stateKinds = {
  organization: {
    active: "organization_enabled",
    disabled: "organization_disabled",
    deleted: "organization_deleted",
  },
  application: {
    active: "application_enabled",
    disabled: "application_disabled",
    deleted: "application_deleted",
  },
} as const;

/**
 * The journal's fact for a changed state. The subject distinguishes the changes of one resource, and gives their
 * order.
 */
export function stateOf(kind: Kind, { id, state, stateVersion, updateTime }: Organization): Fact {
  const subject = `${id}.${stateVersion}`;
  return { kind: stateKinds[kind][state], partition: INSTALLATION, subject, time: updateTime };
}

/** The journal's fact for a verification that ended, or that another one replaced. */
export function unverifiedOf({ id, verificationVersion = 0, updateTime }: Organization): Fact {
  const subject = `${id}.${verificationVersion}`;
  return { kind: "organization_unverified", partition: INSTALLATION, subject, time: updateTime };
}

/** The journal's fact for emergency access that was switched off. */
export function emergencyDisabledOf({ id, emergencyVersion = 0, updateTime }: Organization): Fact {
  const subject = `${id}.${emergencyVersion}`;
  return { kind: "emergency_disabled", partition: INSTALLATION, subject, time: updateTime };
}

/** Takes away what a backup brought back. */
async function replayEmergencyDisabled(
  organizations: OrganizationRepository,
  { subject, time }: Entry,
  commit: CommitWithLeaf,
): Promise<void> {
  const [id = "", version] = subject.split(".");
  const emergencyVersion = Number(version);
  const change = (current: Organization): Organization =>
    (current.emergencyVersion ?? 0) < emergencyVersion
      ? { ...current, emergencyAccessTime: undefined, emergencyVersion, updateTime: time }
      : current;
  await known(organizations.amendOrganization(id, "", { change }, commit));
}

/** Takes away what a backup brought back: with the verification, emergency access. */
async function replayUnverified(
  organizations: OrganizationRepository,
  { subject, time }: Entry,
  commit: CommitWithLeaf,
): Promise<void> {
  const [id = "", version] = subject.split(".");
  const verificationVersion = Number(version);
  const change = (current: Organization): Organization =>
    (current.verificationVersion ?? 0) < verificationVersion
      ? withoutEmergencyAccess(
          { ...current, verification: undefined, verificationVersion, updateTime: time },
          time,
        )
      : current;
  await known(organizations.amendOrganization(id, "", { change }, commit));
}

/** The state in an entry; undefined for entries of other kinds. */
function toldState({ kind, subject }: Entry) {
  for (const owner of ["organization", "application"] as const) {
    for (const state of ["active", "disabled", "deleted"] as const) {
      if (stateKinds[owner][state] !== kind) continue;
      const [id = "", version] = subject.split(".");
      return { kind: owner, id, state, stateVersion: Number(version) };
    }
  }
  return undefined;
}

/** Resolves once a restore cannot undo the fact. Throws `journal_unavailable`. */
export async function writeDown(journal: Pick<Follower, "tell">, fact: Fact): Promise<void> {
  try {
    await journal.tell(fact);
  } catch (cause) {
    throw cause instanceof JournalError ? journalUnavailable(cause) : cause;
  }
}

/** Applies entries of the journal to data that came from a backup. */
export function createReplay(deps: {
  readonly store: Store;
  readonly accessLog: AccessLog;
  readonly credentials: CredentialRepository;
  readonly patients: PatientRepository;
  readonly patientTokens: PatientTokenRepository;
  readonly organizations: OrganizationRepository;
  readonly members: MemberRepository;
  readonly invitations: Pick<InvitationRepository, "replayEnd">;
  readonly delegations: Pick<DelegationRepository, "replay">;
  readonly keys: InstallationKeyRepository;
  readonly accounts: AccountRepository;
  /** The log's entry for it; `partition` of a patient, or none. */
  readonly leafOf: (entry: Entry) => AccessInit;
}): (entry: Entry) => Promise<void> {
  const { store, accessLog, credentials, patients, patientTokens, organizations, keys, leafOf } = deps;
  const { members, invitations, delegations } = deps;

  const commit =
    (entry: Entry): CommitWithLeaf =>
    async (change) => {
      const leaf = accessLog.leaf(change.partition, isOfPatient(entry), leafOf(entry));
      return store.commit({ ...change, changes: [...change.changes, leaf.change] });
    };

  return async (entry) => {
    const { kind, partition, subject, time } = entry;
    if (isOfAccount(entry)) return replayEndOf(deps, entry, commit(entry));
    if (isOfGrant(entry)) return replayEndOfGrant(store, entry, commit(entry));
    if (isOfToken(entry)) await known(patientTokens.revoke(partition, [subject], time, commit(entry)));
    else if (kind === "credential_revoked") await known(credentials.revoke(subject, time, commit(entry)));
    if (kind === "credential_shortened") await known(credentials.shorten(subject, time, commit(entry)));
    if (kind === "patient_erased") await known(patients.markErased(partition, time, commit(entry)));
    const freeze = toldFreeze(entry);
    if (freeze !== undefined) await known(patients.freeze(partition, freeze, commit(entry)));
    if (kind === "signing_key_replaced") await keys.delete("tokens", subject);
    const delegation = toldDelegation(entry);
    if (delegation !== undefined) await delegations.replay(delegation, time, commit(entry));
    const member = toldMember(entry);
    if (member !== undefined) await members.replay(member, time, commit(entry));
    if (kind === "invitation_ended") await invitations.replayEnd(subject, time, commit(entry));
    if (kind === "organization_unverified") await replayUnverified(organizations, entry, commit(entry));
    if (kind === "emergency_disabled") await replayEmergencyDisabled(organizations, entry, commit(entry));
    const told = toldState(entry);
    if (told === undefined) return;
    const { id, state, stateVersion } = told;
    const change = <T extends Organization>(current: T): T =>
      current.stateVersion < stateVersion ? { ...current, state, stateVersion, updateTime: time } : current;
    if (told.kind === "organization") {
      await known(organizations.amendOrganization(id, "", { change }, commit(entry)));
    } else {
      await known(organizations.amendApplication(id, "", { change }, commit(entry)));
    }
  };
}

/** A credential that was made after the backup does not exist, and needs no revocation. */
async function known(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof IdentityError && error.code === "not_found")) throw error;
  }
}
