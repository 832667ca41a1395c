import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { AccessInit } from "@wellapi/access-log";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Actor_Kind, type Direction, type Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Caller, partyOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import { ALWAYS, type Interval } from "./interval.ts";
import type { Subject } from "./subject.ts";

/** What a call wants, as the log tells it. */
export interface Intent {
  readonly caller: Caller;
  /** Fully qualified, e.g. `wellapi.records.v1.RecordsService/ReadSeries`. */
  readonly method: string;
  /** The patient's id as the caller sent it. */
  readonly patient: string;
  readonly direction: Direction;
  readonly purpose: Purpose;
  readonly codes: readonly string[];
  readonly interval?: Interval;
  /** The batch's request id, or the batch. */
  readonly requestId?: string;
}

/** What became of it. */
export interface Result {
  readonly phase?: Access_Phase;
  readonly outcome?: Access_Outcome;
  readonly reason?: string;
  readonly consents?: ReadonlyArray<{ readonly consent: string; readonly version: number }>;
  readonly items?: number;
  readonly openedBy?: string;
}

/** An entry has at most 16 KiB, and a batch names up to 1,000 codes of the caller's choice. */
const MAX_LISTED = 100;

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
    actor: actorOf(pairwise, caller),
    organization: principal.organization ?? "",
    credential: principal.credential ?? "",
    workload,
    method,
    purpose,
    phase: result.phase ?? Access_Phase.CALL,
    outcome: result.outcome ?? Access_Outcome.PERMITTED,
    reason: result.reason ?? "",
    direction,
    codes: [...new Set(codes)].slice(0, MAX_LISTED),
    ...(interval === undefined ? {} : { interval: intervalInit(interval) }),
    consents: uniqueConsents(result.consents ?? []),
    items: BigInt(result.items ?? 0),
    requestId: requestId ?? "",
    openedBy: result.openedBy ?? "",
  };
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

const actorKinds: Readonly<Record<string, Actor_Kind>> = {
  application: Actor_Kind.APPLICATION,
  patient: Actor_Kind.PATIENT,
  operator: Actor_Kind.OPERATOR,
  service: Actor_Kind.SERVICE,
  guardian: Actor_Kind.GUARDIAN,
  clinician: Actor_Kind.CLINICIAN,
};

function actorOf(pairwise: Pairwise, caller: Caller) {
  const { kind, id } = caller.principal.actor ?? caller.principal;
  const shown = kind === "patient" ? pairwise.outward(partyOf(caller), id) : id;
  return { kind: actorKinds[kind] ?? Actor_Kind.UNSPECIFIED, id: shown };
}
