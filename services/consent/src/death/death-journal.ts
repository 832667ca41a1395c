import type { Entry, Fact } from "@wellapi/journal";
import { type DeathReport, lastDecision } from "./death.ts";

/**
 * The journal's fact for a record that the report's last decision froze or thawed; undefined where it did neither. The subject
 * gives the order of a patient's changes.
 */
export function freezeOf(partition: string, report: DeathReport): Fact | undefined {
  const last = lastDecision(report);
  if (last?.change === undefined) return undefined;
  const frozen = last.state === "confirmed" ? "frozen" : "thawed";
  const subject = `${report.id}.${last.change}.${frozen}`;
  return { kind: "record_frozen", partition, subject, time: last.time };
}

/** The change in an entry; undefined for entries of other kinds. */
export function toldFreeze({ kind, subject }: Entry) {
  if (kind !== "record_frozen") return undefined;
  const [report = "", change, state] = subject.split(".");
  return { report, change: Number(change), frozen: state !== "thawed" };
}
