import type { Entry } from "@wellapi/journal";

/**
 * The change of a patient's freeze in an entry, which consent writes; undefined for entries of other kinds. `time`: absent where it
 * thaws.
 */
export function toldFreeze({ kind, subject, time }: Entry) {
  if (kind !== "record_frozen") return undefined;
  const [, change, state] = subject.split(".");
  return { change: Number(change), time: state === "thawed" ? undefined : time };
}
