import { createContextKey } from "@connectrpc/connect";

/** The caller for whom a call is made, from the verified internal token. */
export interface Principal {
  readonly kind: "anonymous" | "application" | "patient" | "operator" | "service" | "person" | "member";
  /** Application id, internal patient id, operator id, service name, account id; empty for anonymous. */
  readonly id: string;
  /** The application's or the member's organization. */
  readonly organization?: string;
  /** The patient's partition, `<region>/<internal id>`. */
  readonly partition?: string;
  /** The credential that was exchanged. */
  readonly credential?: string;
  /** The actor (RFC 8693 `act`), where it is not the principal itself. */
  readonly actor?: Actor;
  /** Of a member or of the staff. Absent: of the staff, a credential of a script, which has the role operator. */
  readonly roles?: readonly Role[];
  /** Of an OAuth access token (RFC 9068). Absent: the credential is not limited by scopes. */
  readonly scopes?: readonly string[];
  /** The partition of the one patient whom an application's access token is for. Absent: any whose consent permits it. */
  readonly onlyPatient?: string;
  /** How the person signed in. Absent: a program, or a token that an operator issued in the sandbox. */
  readonly assurance?: Assurance;
  /** When `fresh` ends, and is `passkey` from then on: UTC milliseconds. Absent: not before the credential is exchanged again. */
  readonly freshUntil?: number;
  /**
   * Categories of data that are not for whoever acts in this patient's name: care that the patient, a minor, may consent to
   * alone. Absent: none, as for the patient.
   */
  readonly hides?: readonly string[];
  /** The version of what its organization forbids its own callers. Absent: nothing. */
  readonly policies?: number;
}

export interface Actor {
  readonly kind: (typeof actorKinds)[number];
  readonly id: string;
}

export const actorKinds = [
  "guardian",
  "carer",
  "representative",
  "clinician",
  "operator",
  "application",
] as const;

export const roles = [
  "operator",
  "privacy_officer",
  "staff_auditor",
  "support",
  "owner",
  "administrator",
  "developer",
  "clinician",
  "auditor",
] as const;
/** As `Role` of wellapi/type/v1/callers.proto. */
export type Role = (typeof roles)[number];

/** As `Assurance` of wellapi/type/v1/callers.proto, the weakest first. */
export const assurances = ["code", "passkey", "fresh"] as const;
export type Assurance = (typeof assurances)[number];

/** The two identities of a call. */
export interface Caller {
  readonly principal: Principal;
  /** The calling workload: `door` from outside, else a service's name. */
  readonly workload: string;
  /** The internal token, to call on with. Empty for anonymous. */
  readonly token: string;
  /** At a door: what the installation sets for this caller. Absent: nothing. */
  readonly limits?: CallerLimits;
  /** At a door: the RPCs that a policy keeps from this caller, beyond the table of callers. Absent: none. */
  readonly deniedCalls?: ReadonlyMap<string, PolicyDenial>;
  /** At a door: origins whose pages may read answers to this caller, beyond those of the installation. Absent: none. */
  readonly allowedOrigins?: readonly string[];
}

/** Why a policy refuses. */
export interface PolicyDenial {
  readonly policy: string;
  /** In plain words. */
  readonly reason: string;
}

/** Units that may be spent a second, on average over a window, where they differ from the defaults. */
export interface CallerLimits {
  readonly organization?: number;
  readonly application?: number;
  readonly credential?: number;
  readonly patient?: number;
}

export const anonymous: Caller = { principal: { kind: "anonymous", id: "" }, workload: "door", token: "" };

/** The principal at `now`, UTC milliseconds: a sign-in stops being fresh while a token that says so is still good. */
export function agedPrincipal(principal: Principal, now: number): Principal {
  const { freshUntil, ...rest } = principal;
  return freshUntil === undefined || now < freshUntil ? principal : { ...rest, assurance: "passkey" };
}

/** The caller at `now`, as `agedPrincipal`. */
export function agedCaller(caller: Caller, now: number): Caller {
  const principal = agedPrincipal(caller.principal, now);
  return principal === caller.principal ? caller : { ...caller, principal };
}

/** Set by the authentication interceptor; handlers read it with `context.values.get(callerKey)`. */
export const callerKey = createContextKey<Caller>(anonymous, { description: "caller" });

/** Names the principal among all others, for what is counted by caller. Not for logs. */
export function nameOf({ kind, id }: Principal): string {
  return `${kind} ${id}`;
}

/** The party whose pairwise ids the caller sees: its organization, or the installation. */
export function partyOf(caller: Caller): string {
  return caller.principal.organization ?? "installation";
}
