import type { ContextValues } from "@connectrpc/connect";
import type { Caller } from "./caller.ts";

export interface Authenticated {
  readonly caller: Caller;
  /** Authenticates the same credential again, for open streams from outside. */
  renew?(): Promise<Authenticated>;
}

/** Finds out who calls. */
export interface Authentication {
  /** @throws ConnectError UNAUTHENTICATED for a credential that is refused, UNAVAILABLE where it can't be said. */
  authenticate(call: {
    readonly header: Headers;
    readonly contextValues: ContextValues;
  }): Promise<Authenticated>;
  /** How often open streams from outside are authenticated again, milliseconds. */
  readonly recheckMs: number;
}
