import type { Direction, History } from "./history.ts";

/** A consent as its patient knows it. */
interface Known {
  readonly patient: string;
  readonly direction: Direction;
  /** Began to be given. */
  asked: number;
  /** Was said to be given; infinite where it never was. */
  given: number;
  /** Began to be revoked. */
  taking: number;
  /** Was said to be revoked. */
  taken: number;
}

/** When a patient's consent of a direction could be in force, and when it had to be. */
export interface Consents {
  /** Whether one could be in force at some instant of the span. */
  possible(patient: string, direction: Direction, from: number, to: number): boolean;
  /** Whether one was in force from its first instant to its last, beyond doubt. */
  certain(patient: string, direction: Direction, from: number, to: number): boolean;
  /** When the latest revocation that had been answered by then was answered, where it left none in force. */
  revokedSince(patient: string, direction: Direction, at: number): number | undefined;
}

/**
 * A consent is in force from when it began to be given at the earliest and was answered at the latest, until its
 * revocation was begun at the earliest and answered at the latest.
 */
export function consentsOf({ operations }: History): Consents {
  const byRequest = new Map<string, Known>();
  const byId = new Map<string, Known>();
  for (const operation of operations) {
    if (operation.kind !== "grant") continue;
    const { request, patient, direction, invoked, completed, answer, consent } = operation;
    const known = byRequest.get(request) ?? {
      ...{ patient, direction, asked: invoked, given: Number.POSITIVE_INFINITY },
      ...{ taking: Number.POSITIVE_INFINITY, taken: Number.POSITIVE_INFINITY },
    };
    byRequest.set(request, known);
    known.asked = Math.min(known.asked, invoked);
    if (answer?.kind !== "ok" || completed === undefined) continue;
    known.given = Math.min(known.given, completed);
    if (consent !== undefined) byId.set(consent, known);
  }
  for (const operation of operations) {
    if (operation.kind !== "revoke") continue;
    const known = byId.get(operation.consent);
    if (!known) throw new Error(`the history revokes ${operation.consent}, which nobody gave`);
    known.taking = Math.min(known.taking, operation.invoked);
    if (operation.answer?.kind === "ok") known.taken = Math.min(known.taken, operation.completed!);
  }
  const all = [...byRequest.values()];
  const of = (patient: string, direction: Direction): Known[] =>
    all.filter((one) => one.patient === patient && one.direction === direction);
  return {
    possible: (patient, direction, from, to) =>
      of(patient, direction).some(({ asked, taken }) => asked <= to && from <= taken),
    certain: (patient, direction, from, to) =>
      of(patient, direction).some(({ given, taking }) => given <= from && to <= taking),
    revokedSince: (patient, direction, at) => {
      const ends = of(patient, direction).map(({ taken }) => taken);
      const before = ends.filter((taken) => taken <= at);
      return before.length > 0 ? Math.max(...before) : undefined;
    },
  };
}
