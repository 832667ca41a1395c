import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type AccessInit, actorOf } from "@wellapi/access-log";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { partyOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import { ALWAYS, type Interval } from "../model/interval.ts";
import type { Intent, Result } from "./intent.ts";
import type { Subject } from "./subject.ts";

/** An entry has at most 16 KiB, and a batch names up to 1,000 codes of the caller's choice. */
const MAX_LISTED = 100;

const phases = {
  call: Access_Phase.CALL,
  opened: Access_Phase.OPENED,
  changed: Access_Phase.CHANGED,
  closed: Access_Phase.CLOSED,
} as const;

const outcomes = {
  permitted: Access_Outcome.PERMITTED,
  denied: Access_Outcome.DENIED,
  undecided: Access_Outcome.UNDECIDED,
} as const;

/** The log's entry. Carries no health value. */
export function accessInit(
  pairwise: Pairwise,
  intent: Intent,
  subject: Subject | undefined,
  result: Result,
): AccessInit {
  const { caller, method, direction, purpose, codes, interval, requestId } = intent;
  const { principal, workload } = caller;
  return {
    patient: subject === undefined ? "" : pairwise.outward(partyOf(caller), subject.patient),
    actor: actorOf(caller, pairwise),
    organization: principal.organization ?? "",
    credential: principal.credential ?? "",
    workload,
    method,
    purpose: purpose ?? 0,
    phase: phases[result.phase ?? "call"],
    outcome: outcomes[result.outcome ?? "permitted"],
    reason: result.reason ?? "",
    direction: direction === "read" ? Direction.READ : Direction.CONTRIBUTE,
    codes: [...new Set(codes)].slice(0, MAX_LISTED),
    ...(interval === undefined || isAlways(interval) ? {} : { interval: intervalInit(interval) }),
    consents: uniqueConsents(result.consents ?? []),
    items: result.items ?? 0,
    requestId: requestId ?? "",
    openedBy: result.openedBy ?? "",
  };
}

/** No interval was asked for: nothing is told, instead of an interval without ends. */
function isAlways({ from, to }: Interval): boolean {
  return from <= ALWAYS.from && to >= ALWAYS.to;
}

/** Open ends are absent. */
export function intervalInit(interval: Interval) {
  return {
    ...(interval.from <= ALWAYS.from ? {} : { startTime: timestampFromMs(interval.from) }),
    ...(interval.to >= ALWAYS.to ? {} : { endTime: timestampFromMs(interval.to) }),
  };
}

function uniqueConsents(consents: NonNullable<Result["consents"]>) {
  const byId = new Map(
    consents.map(({ consent, version }) => [`${consent} ${version}`, { consent, version }]),
  );
  return [...byId.values()].slice(0, MAX_LISTED);
}
