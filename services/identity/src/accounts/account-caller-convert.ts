import type { DescMethod } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { callerKey } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import { callerNotPermitted, credentialInvalid } from "../errors.ts";
import { assuranceAt, hasEnded, type Session } from "../sessions/session.ts";
import type { SessionRepository } from "../sessions/session-repository.ts";
import { type Account, FIRST_PASSKEY_TIME, hasStrongWayIn, recoveryIsReady } from "./account.ts";
import type { AccountCall } from "./account-accesses.ts";
import { assuranceRequired } from "./account-errors.ts";
import type { AccountRepository, StoredAccount } from "./account-repository.ts";

/** The person who calls, by their session. */
export interface Asking extends StoredAccount {
  readonly session: Session;
  readonly call: AccountCall;
}

/** Throws `credential_invalid` where the session ended meanwhile, and for who calls by anything but a session. */
export type WhoAsks = (context: HandlerContext, method: DescMethod) => Promise<Asking>;

/** The person who calls, by their session or by the command line that they have signed in. */
export interface Person extends StoredAccount {
  readonly session?: Session;
  readonly call: AccountCall;
}

/** Throws as `WhoAsks`. */
export type WhoIs = (context: HandlerContext, method: DescMethod) => Promise<Person>;

export function createWhoIs(deps: {
  readonly accounts: Pick<AccountRepository, "find">;
  readonly whoAsks: WhoAsks;
}): WhoIs {
  return async (context, method) => {
    const { principal, workload } = context.values.get(callerKey);
    const { kind, id, credential, scopes } = principal;
    // Who has no scopes has a session.
    if (kind !== "person" || scopes === undefined) return deps.whoAsks(context, method);
    const stored = await deps.accounts.find(id);
    if (stored === undefined) throw credentialInvalid("the account is not there any more");
    return { ...stored, call: { method, workload, ...(credential && { session: credential }) } };
  };
}

export function createWhoAsks(deps: {
  readonly accounts: Pick<AccountRepository, "find">;
  readonly sessions: Pick<SessionRepository, "findById">;
  readonly clock: Clock;
}): WhoAsks {
  const { accounts, sessions, clock } = deps;
  return async (context, method) => {
    const { principal, workload } = context.values.get(callerKey);
    const { kind, id, credential = "" } = principal;
    if (kind !== "person") throw callerNotPermitted("only a person may use their own account");
    const [stored, session] = await Promise.all([accounts.find(id), sessions.findById(credential)]);
    if (stored === undefined || session?.account !== id || hasEnded(session, clock.now(), "patient")) {
      throw credentialInvalid("the session has ended: sign in again");
    }
    return { ...stored, session, call: { method, workload, session: session.id } };
  };
}

/** How somebody comes to add a way in. */
export type AddsBy = "fresh" | "registration" | "recovery";

/**
 * A fresh sign-in; else, for who signed in by a code alone: within an hour of the registration, while there is nothing that
 * the code could take over, or by a recovery that has waited its time. Throws `assurance_required`.
 */
export function mayAddWayIn(account: Account, session: Session, now: number): AddsBy {
  if (assuranceAt(session, now) === "fresh") return "fresh";
  const registering = session.registered === true && now - session.createTime <= FIRST_PASSKEY_TIME;
  if (registering && !hasStrongWayIn(account)) return "registration";
  if (recoveryIsReady(account, now)) return "recovery";
  throw assuranceRequired("a new way into the account");
}
