import type { DescMethod } from "@bufbuild/protobuf";
import { createContextKey } from "@connectrpc/connect";
import type { Problem } from "../problem.ts";
import type { Caller } from "./caller.ts";

/** A call whose caller is known; its body has not been read. */
export interface BudgetedCall {
  readonly caller: Caller;
  readonly method: DescMethod;
  /** The IP address that the call comes from. Undefined where it is not known. */
  readonly address: string | undefined;
}

/** What a call costs while it runs, and after it. Costs never fail a unary call that was admitted: the next one pays. */
export interface Spending {
  /** A message of a stream. */
  message(): void;
  /** Bytes of messages, read or written; also after `end`, because answers are encoded last. */
  bytes(count: number): void;
  /**
   * Undefined while the caller's budgets hold. Else resolves when the stream may take its next message. Rejects with
   * `RATE_LIMITED` where that takes too long, and with the signal's reason.
   */
  pace(signal: AbortSignal): Promise<void> | undefined;
  /** The call is over. Call it once, with the error if it failed. */
  end(error: unknown): void;
}

/** What is left of the tightest of the caller's budgets, for the `RateLimit` fields of HTTP. */
export interface BudgetState {
  /** `organization`, `application`, `credential`, `patient` or `address`. */
  readonly name: string;
  /** Units a window. */
  readonly quota: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  /** Until the window ends, milliseconds. */
  readonly resetMs: number;
}

export interface Admission {
  /** Undefined where the caller has no budget. */
  readonly state: BudgetState | undefined;
  /** Undefined: the call is admitted. Else `RATE_LIMITED`, RESOURCE_EXHAUSTED with a retry delay. */
  readonly refusal?: Problem;
  readonly spending: Spending;
}

/**
 * Budgets of callers at a door: of organizations, applications, credentials and patients, and of addresses for those who
 * have shown no valid credential. @wellapi/limits implements it; this package asks it, at its place in the steps.
 */
export interface Budget {
  /** Takes the price of a call. Never rejects. */
  admit(call: BudgetedCall): Promise<Admission>;
  /**
   * Before a credential is exchanged; undefined: go on. Refuses where too many credentials from this address were refused,
   * but never one that was accepted lately: others behind the same address stay served.
   */
  beforeExchange(address: string | undefined, fingerprint: string): Promise<Admission | undefined>;
  /** The outcome of an exchange: `accepted` is false only where identity refused the credential. */
  exchanged(address: string | undefined, fingerprint: string, accepted: boolean): void;
}

/** The IP address of a caller from outside. Server side only. */
export const peerAddressKey = createContextKey<string | undefined>(undefined, {
  description: "peer address",
});

/** What the call under way spends, once it was admitted. */
export const spendingKey = createContextKey<Spending | undefined>(undefined, { description: "spending" });

/** The state of the caller's budget when the call was admitted or refused. */
export const budgetStateKey = createContextKey<BudgetState | undefined>(undefined, {
  description: "budget state",
});
