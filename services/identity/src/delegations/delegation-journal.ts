import type { Entry, Fact } from "@wellapi/journal";
import type { Delegation, State } from "./delegation.ts";

/** The journal's fact for a delegation as it is now: a restore must give nobody access back, and revive no code. */
export function delegationChangeOf({ id, partition, version, state, updateTime }: Delegation): Fact {
  return {
    kind: "delegation_changed",
    partition,
    subject: `${id}.${version}.${state}`,
    time: updateTime,
  };
}

/** The delegation in an entry; undefined for entries of other kinds. */
export function toldDelegation({
  kind,
  subject,
}: Entry): Pick<Delegation, "id" | "version" | "state"> | undefined {
  if (kind !== "delegation_changed") return undefined;
  const [id = "", version, state] = subject.split(".");
  return { id, version: Number(version), state: state as State };
}
