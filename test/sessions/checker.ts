import { type Consents, consentsOf } from "./consents.ts";
import type { Direction, History, Operation, Read, Watch, Write } from "./history.ts";
import { unavailable } from "./outages.ts";

/**
 * `revoked`: data moved although no consent could be in force. `denied`: refused although one was. `lost`: what was
 * acknowledged is not there. `invented`: what is there was never written, or refused. `wrong`: an answer that no
 * operation should get. `unavailable`: no certain answers long after a fault.
 */
export type Rule = "revoked" | "denied" | "lost" | "invented" | "wrong" | "unavailable";

export interface Violation {
  readonly rule: Rule;
  readonly message: string;
}

/** Milliseconds. */
export interface Limits {
  /** What arrives may have been in a socket for so long: its check lies this far before, at the most. */
  readonly inFlightMs: number;
  /** An open watch delivers what is acknowledged within this, faults apart. */
  readonly deliveryMs: number;
  /** After a fault, every operation has a certain answer again within this. */
  readonly recoveryMs: number;
}

/**
 * Whether a history is one of an exchange whose revocations are linearizable: what a `RevokeConsent` took back is in
 * use nowhere once it was answered. Between its call and its answer replicas may differ. Pure.
 */
export function check(history: History, limits: Limits): Violation[] {
  const consents = consentsOf(history);
  const written = writesOf(history);
  return [
    ...history.operations.flatMap((operation) => [
      ...wrong(operation),
      ...permission(operation, consents, limits),
      ...contents(operation, written),
      ...(operation.kind === "watch" ? watched(operation, consents, written, limits) : []),
    ]),
    ...history.operations.flatMap((operation) =>
      operation.kind === "watch" ? missed(operation, history, limits) : [],
    ),
    ...unavailable(history, limits.recoveryMs).map((message) => ({ rule: "unavailable" as const, message })),
  ];
}

function wrong(operation: Operation): Violation[] {
  const { answer, kind } = operation;
  const odd =
    answer?.kind === "wrong" || (answer?.kind === "refused" && (kind === "grant" || kind === "revoke"));
  return odd ? [{ rule: "wrong", message: `${named(operation)} got ${answer.reason}` }] : [];
}

/** An operation that moves data, against the consents that could or had to be in force while it ran. */
function permission(operation: Operation, consents: Consents, { inFlightMs }: Limits): Violation[] {
  if (operation.kind === "grant" || operation.kind === "revoke") return [];
  const { patient, invoked, completed, answer } = operation;
  const direction = directionOf(operation);
  const success =
    operation.kind === "watch" ? operation.started : answer?.kind === "ok" ? completed : undefined;
  const violations: Violation[] = [];
  // A read that was begun in time, and whose data arrives late, was released too late: only the socket may have held it.
  const began =
    operation.kind === "read" && success !== undefined ? Math.max(invoked, success - inFlightMs) : invoked;
  if (success !== undefined && !consents.possible(patient, direction, began, success)) {
    const since = consents.revokedSince(patient, direction, began);
    const why =
      since === undefined ? "without any consent" : `${Math.round(began - since)} ms after the revocation`;
    const how = began === invoked ? `was begun ${why}, and succeeded` : `was answered more than ${why}`;
    violations.push({ rule: "revoked", message: `${named(operation)} ${how}` });
  }
  // A watch that was authorized is refused later: then the consent has to have been taken since.
  if (answer?.kind === "refused" && completed !== undefined) {
    const from = success ?? invoked;
    if (consents.certain(patient, direction, from, completed)) {
      violations.push({ rule: "denied", message: `${named(operation)} got ${answer.reason} under consent` });
    }
  }
  return violations;
}

/** A read against the writes that had been answered before it, and all that had begun. */
function contents(operation: Operation, written: Written): Violation[] {
  if (operation.kind !== "read" || operation.answer?.kind !== "ok" || operation.marks === undefined)
    return [];
  const found = new Set(operation.marks);
  const lost = written
    .acknowledged(operation.patient)
    .filter(({ mark, at }) => at < operation.invoked && !found.has(mark));
  return [
    ...lost.map(({ mark }): Violation => {
      return { rule: "lost", message: `${named(operation)} lacks ${mark}, which was acknowledged before` };
    }),
    ...invented(operation, operation.marks, operation.completed!, written),
  ];
}

/** Each delivery is a read that began after the write did, and not long before it arrived. */
function watched(watch: Watch, consents: Consents, written: Written, { inFlightMs }: Limits): Violation[] {
  return watch.deliveries.flatMap(({ mark, at }) => {
    const begun = written.begun(watch.patient, mark) ?? at;
    const from = Math.max(watch.invoked, begun, at - inFlightMs);
    const violations = invented(watch, [mark], at, written);
    if (consents.possible(watch.patient, "read", from, at)) return violations;
    const message = `${named(watch)} delivered ${mark} although no consent was in force any more`;
    return [...violations, { rule: "revoked", message } as const];
  });
}

function invented(
  operation: Read | Watch,
  marks: readonly number[],
  at: number,
  written: Written,
): Violation[] {
  return marks
    .filter((mark) => !(written.begun(operation.patient, mark)! <= at))
    .map((mark) => ({ rule: "invented", message: `${named(operation)} holds ${mark}, which nobody stored` }));
}

/** What was acknowledged while the watch was open, and did not come in time. */
function missed(watch: Watch, { operations, faults, ended }: History, { deliveryMs }: Limits): Violation[] {
  if (watch.started === undefined) return [];
  const end = watch.completed ?? ended;
  const delivered = new Set(watch.deliveries.map(({ mark }) => mark));
  return operations
    .filter((one): one is Write => one.kind === "write" && one.patient === watch.patient)
    .filter(({ answer, invoked }) => answer?.kind === "ok" && invoked > watch.started!)
    .filter(({ completed, mark }) => !delivered.has(mark) && due(completed!) < end)
    .map(({ mark }) => ({ rule: "lost", message: `${named(watch)} never delivered ${mark}` }));

  /** Nothing is due while something is broken. */
  function due(acknowledged: number): number {
    const inTheWay = faults.filter(
      ({ began, ended: over }) => began < acknowledged + deliveryMs && acknowledged < over,
    );
    return Math.max(acknowledged, ...inTheWay.map(({ ended: over }) => over)) + deliveryMs;
  }
}

interface Written {
  /** When the write of the mark began; undefined where nothing of it may be stored. */
  begun(patient: string, mark: number): number | undefined;
  acknowledged(patient: string): readonly { readonly mark: number; readonly at: number }[];
}

/** Attempts of one mark are one write: sent again after no certain answer. */
function writesOf({ operations }: History): Written {
  const begun = new Map<string, number>();
  const acknowledged = new Map<string, { mark: number; at: number }[]>();
  for (const operation of operations) {
    if (operation.kind !== "write") continue;
    const { patient, mark, invoked, completed, answer } = operation;
    if (answer?.kind !== "refused" && answer?.kind !== "wrong") {
      const key = `${patient} ${mark}`;
      begun.set(key, Math.min(invoked, begun.get(key) ?? Number.POSITIVE_INFINITY));
    }
    if (answer?.kind !== "ok") continue;
    acknowledged.set(patient, [...(acknowledged.get(patient) ?? []), { mark, at: completed! }]);
  }
  return {
    begun: (patient, mark) => begun.get(`${patient} ${mark}`),
    acknowledged: (patient) => acknowledged.get(patient) ?? [],
  };
}

function directionOf({ kind }: Write | Read | Watch): Direction {
  return kind === "write" ? "contribute" : "read";
}

function named({ kind, patient, replica, invoked }: Operation): string {
  return `the ${kind} of ${patient} at ${replica} (${Math.round(invoked)} ms)`;
}
