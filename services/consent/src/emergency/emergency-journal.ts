import type { Entry, Fact } from "@wellapi/journal";
import { patientOf } from "../consent.ts";
import type { EmergencyAccess } from "./emergency.ts";

/** The journal's fact for an emergency access that was ended. */
export function endOf(partition: string, { id, end, expireTime }: EmergencyAccess): Fact {
  return { kind: "emergency_ended", partition, subject: id, time: end?.time ?? expireTime };
}

/** The journal's fact for a refusal that was given or taken back. The subject gives the order of a patient's changes. */
export function refusalOf(
  partition: string,
  refusals: number,
  refuseTime: number | undefined,
  time: number,
): Fact {
  const state = refuseTime === undefined ? "allowed" : "refused";
  const subject = `${patientOf(partition)}.${refusals}.${state}`;
  return { kind: "emergency_refusal", partition, subject, time: refuseTime ?? time };
}

/** The refusal in an entry; undefined for entries of other kinds. */
export function toldRefusal({ kind, subject }: Entry) {
  if (kind !== "emergency_refusal") return undefined;
  const [, refusals, state] = subject.split(".");
  return { refusals: Number(refusals), refused: state !== "allowed" };
}

/** The journal's fact for an emergency code that was replaced or withdrawn. */
export function codeEndOf(partition: string, id: string, time: number): Fact {
  return { kind: "emergency_code_ended", partition, subject: id, time };
}
