import { createContextKey } from "@connectrpc/connect";

/** The caller for whom a call is made, from the verified internal token. */
export interface Principal {
  readonly kind: "anonymous" | "application" | "patient" | "operator" | "service";
  /** Application id, internal patient id, operator id, service name; empty for anonymous. */
  readonly id: string;
  /** The application's organization. */
  readonly organization?: string;
  /** The patient's partition, `<region>/<internal id>`. */
  readonly partition?: string;
  /** The credential that was exchanged. */
  readonly credential?: string;
  /** The actor (RFC 8693 `act`), where it is not the principal itself. */
  readonly actor?: { readonly kind: "guardian" | "clinician" | "operator"; readonly id: string };
}

/** The two identities of a call. */
export interface Caller {
  readonly principal: Principal;
  /** The calling workload: `door` from outside, else a service's name. */
  readonly workload: string;
  /** The internal token, to call on with. Empty for anonymous. */
  readonly token: string;
  /** At a door: what the installation sets for this caller. Absent: nothing. */
  readonly limits?: CallerLimits;
}

/** Units that may be spent a second, on average over a window, where they differ from the defaults. */
export interface CallerLimits {
  readonly organization?: number;
  readonly application?: number;
  readonly credential?: number;
  readonly patient?: number;
}

export const anonymous: Caller = { principal: { kind: "anonymous", id: "" }, workload: "door", token: "" };

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
