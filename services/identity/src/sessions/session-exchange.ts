import type { Principal } from "@wellapi/rpc";
import type { Clock, Logger } from "@wellapi/runtime";
import type { Pairwise } from "@wellapi/vault";
import type { AccountRepository } from "../accounts/account-repository.ts";
import type { FrozenRecords } from "../death/frozen-records.ts";
import { callerNotPermitted, credentialInvalid } from "../errors.ts";
import { partitionOf } from "../patients/patient.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";
import type { InternalClaims } from "../tokens/token.ts";
import type { ActingLookups } from "./acting.ts";
import { hasEnded, type Session, signInAt, TOUCHED_EVERY } from "./session.ts";
import type { SessionRepository } from "./session-repository.ts";

/** Exchanges sessions: for the account itself, or for what the account may act as now. */
export interface SessionExchange {
  /**
   * `actingAs`: as the header `wellapi-acting-as` says it, or empty. `recheck`: no call of the person, but another look at
   * one that is open. Throws `credential_invalid` and `caller_not_permitted`.
   */
  exchange(credential: string, actingAs: string, recheck: boolean): Promise<InternalClaims>;
  /** The same principal as it is now, or undefined where it did not come from a session. Throws as above. */
  again(principal: Principal): Promise<InternalClaims | undefined>;
}

export function createSessionExchange(deps: {
  readonly sessions: SessionRepository;
  readonly accounts: Pick<AccountRepository, "find">;
  readonly patients: Pick<PatientRepository, "exists">;
  readonly lookups: ActingLookups;
  readonly frozen: Pick<FrozenRecords, "ofAccount">;
  readonly pairwise: Pairwise;
  readonly clock: Clock;
  readonly region: string;
  readonly log: Logger;
}): SessionExchange {
  const { sessions, accounts, patients, lookups, frozen, pairwise, clock, region, log } = deps;

  async function ofAccount(
    account: string,
    patient: string | undefined,
  ): Promise<Pick<Principal, "kind" | "id">> {
    const partition = patient === undefined ? undefined : partitionOf(region, patient);
    if (partition === undefined || !(await patients.exists(partition)))
      return { kind: "person", id: account };
    return { kind: "patient", id: patient!, partition } as Principal;
  }

  async function ofPatient(account: string, own: string | undefined, id: string): Promise<Principal> {
    const partition = partitionOf(region, id);
    if (id === own) return { kind: "patient", id, partition };
    const delegation = await lookups.findDelegation(account, partition);
    if (delegation === undefined) throw callerNotPermitted("you may not act in the name of this patient");
    const { kind, hides } = delegation;
    return { kind: "patient", id, partition, actor: { kind, id: account }, ...(hides && { hides }) };
  }

  async function actor(account: string, actingAs: string): Promise<Principal> {
    const own = (await accounts.find(account))?.account;
    // A session of who died is kept: it goes on if that was a mistake, and its time is not over.
    if (own === undefined || (await frozen.ofAccount(own))) throw ended();
    if (actingAs === "account") return { kind: "person", id: account };
    if (actingAs === "") return ofAccount(account, own.patient);
    if (actingAs === "staff") {
      const roles = await lookups.staffRoles(account);
      if (roles.length === 0) throw callerNotPermitted("you are not of this installation's staff");
      return { kind: "operator", id: account, roles };
    }
    if (actingAs.startsWith("org_")) {
      const membership = await lookups.findMembership(account, actingAs);
      if (membership === undefined) throw callerNotPermitted("you are no member of this organization");
      return { kind: "member", id: account, organization: actingAs, roles: membership.roles };
    }
    const id = pairwise.inward("installation", "pat", actingAs);
    if (id === undefined)
      throw callerNotPermitted("the header wellapi-acting-as names nothing that you may act as");
    return ofPatient(account, own.patient, id);
  }

  function claimsOf(session: Session, acting: Principal): InternalClaims {
    const now = clock.now();
    const staff = acting.kind === "member" || acting.kind === "operator";
    if (hasEnded(session, now, staff ? "staff" : "patient")) throw ended();
    const principal: Principal = { ...acting, credential: session.id, ...signInAt(session, now) };
    return { principal, credentialEnd: session.expireTime };
  }

  return {
    async exchange(credential, actingAs, recheck) {
      const session = await sessions.findByCredential(credential);
      // Before anything else is looked up: whoever shows an ended session learns nothing of the account.
      if (session === undefined || hasEnded(session, clock.now(), "patient")) throw ended();
      const claims = claimsOf(session, await actor(session.account, actingAs));
      if (!recheck && session.lastUseTime + TOUCHED_EVERY <= clock.now()) {
        await sessions.touch(session, clock.now()).catch((err: unknown) => {
          log.warn({ err }, "the use of a session could not be written");
        });
      }
      return claims;
    },
    async again({ kind, id, organization, credential }) {
      if (credential === undefined || !credential.startsWith("ses_")) return undefined;
      const session = await sessions.findById(credential);
      if (session === undefined) throw ended();
      const now = {
        person: "account",
        member: organization ?? "",
        operator: "staff",
        patient: kind === "patient" ? pairwise.outward("installation", id) : "",
      } as const;
      if (!(kind in now)) throw ended();
      return claimsOf(session, await actor(session.account, now[kind as keyof typeof now]));
    },
  };
}

function ended() {
  return credentialInvalid("the session has ended: sign in again");
}
