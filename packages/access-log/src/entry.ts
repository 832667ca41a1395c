import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { type Caller, partyOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import { actorOf } from "./actor.ts";
import type { Outcome } from "./outcome.ts";
import type { AccessInit } from "./port.ts";

const outcomes = {
  permitted: Access_Outcome.PERMITTED,
  denied: Access_Outcome.DENIED,
  undecided: Access_Outcome.UNDECIDED,
} as const;

/** References and codes in an entry, which has at most 16 KiB; a request may name 1,000 of the caller's choice. */
export const mostListed = 100;

/**
 * The part of a call that every entry holds. `patient` is the internal id; the entry has the id that the caller's
 * party knows.
 */
export interface Said {
  readonly caller: Caller;
  /** Fully qualified: `wellapi.records.v1.RecordsService/ReadSeries`. */
  readonly method: string;
  readonly patient: string | undefined;
  readonly outcome: Outcome;
  /** UPPER_SNAKE_CASE; empty for a plain permission. */
  readonly reason: string;
  readonly consents: ReadonlyArray<{ readonly consent: string; readonly version: number }>;
  readonly items: number;
  readonly requestId: string;
}

/** The entry of a call, of phase CALL. Carries no health value. */
export function entryOf(pairwise: Pairwise, said: Said) {
  const { caller, method, patient, outcome, reason, consents, items, requestId } = said;
  const { principal, workload } = caller;
  return {
    patient: patient === undefined ? "" : pairwise.outward(partyOf(caller), patient),
    actor: actorOf(caller, pairwise),
    organization: principal.organization ?? "",
    credential: principal.credential ?? "",
    workload,
    method,
    phase: Access_Phase.CALL,
    outcome: outcomes[outcome],
    reason,
    consents: consentReferences(consents),
    items,
    requestId,
  } satisfies AccessInit;
}

/** Each once, as many as an entry has. */
export function consentReferences(
  consents: Said["consents"],
  most = mostListed,
): { consent: string; version: number }[] {
  const byId = new Map(
    consents.map(({ consent, version }) => [`${consent} ${version}`, { consent, version }]),
  );
  return [...byId.values()].slice(0, most);
}
