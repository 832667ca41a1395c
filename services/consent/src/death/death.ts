import { type Author, type CurrentConsents, type Freeze, isFrozen } from "../consent.ts";
import { ConsentError } from "../errors.ts";

/** Domain types and rules of the death of a patient. Times are UTC milliseconds. */

export type DeathState = "reported" | "confirmed" | "dismissed" | "undone";

/** What somebody decided about a report. */
export interface DeathDecision {
  readonly state: Exclude<DeathState, "reported">;
  readonly time: number;
  readonly by: Author;
  readonly note: string;
  /** Which change of the patient's freeze it made, from 1. Absent: it made none. */
  readonly change?: number;
}

/** That a patient died, as somebody says. */
export interface DeathReport {
  /** `dth_...` */
  readonly id: string;
  /** Who says it; empty: a privacy officer. */
  readonly organization: string;
  /** The account of the person who says it; empty where a restore lost the report. */
  readonly reporter: string;
  /** ISO 8601; empty where a restore lost the report. */
  readonly dateOfDeath: string;
  readonly grounds: string;
  readonly createTime: number;
  /** Oldest first. */
  readonly decisions: readonly DeathDecision[];
}

export function lastDecision({ decisions }: DeathReport): DeathDecision | undefined {
  return decisions.at(-1);
}

export function stateOf(report: DeathReport): DeathState {
  return lastDecision(report)?.state ?? "reported";
}

/** From which state each decision is taken. */
const from: Readonly<Record<DeathDecision["state"], DeathState>> = {
  confirmed: "reported",
  dismissed: "reported",
  undone: "confirmed",
};

/** Whether the report has the state already. Throws `death_decided`, `frozen_already`, where it cannot come into it. */
export function checkDecision(
  report: DeathReport,
  to: DeathDecision["state"],
  current: CurrentConsents,
): "decide" | "decided" {
  const state = stateOf(report);
  if (state === to) return "decided";
  if (state !== from[to]) throw new ConsentError("death_decided");
  if (to === "confirmed" && isFrozen(current)) throw new ConsentError("frozen_already");
  return "decide";
}

/** The patient's freeze after one more change of it; `time`: absent where it thaws. */
export function withFreeze(
  current: CurrentConsents,
  change: number,
  time: number | undefined,
): CurrentConsents {
  const freeze: Freeze = { changes: change, ...(time !== undefined && { time }) };
  return { ...current, freeze };
}

export function nextChange({ freeze }: CurrentConsents): number {
  return (freeze?.changes ?? 0) + 1;
}

/** A report whose content a restore lost: the freeze that it made holds, and can be undone by it. */
export function lostReport(id: string, time: number): DeathReport {
  const grounds = "the report was lost in a restore: only what was decided is known";
  return { id, organization: "", reporter: "", dateOfDeath: "", grounds, createTime: time, decisions: [] };
}
