import {
  type Delegation,
  Delegation_Kind,
  Delegation_State,
} from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { msOf } from "../account/account-view.ts";
import { timeText } from "../times.ts";
import type { View } from "../view.ts";

export type ShownState = keyof View["words"]["people"]["states"];

/** Who acts, or did, in a patient's name: texts, in the reader's language. */
export interface ShownDelegation {
  readonly id: string;
  readonly kind: "carer" | "guardian" | "representative";
  readonly name: string;
  readonly email: string;
  readonly state: ShownState;
  /** The account of the person; empty until they accept. */
  readonly account: string;
  /** `since ...`, `invited ...`, `until ...`. */
  readonly facts: readonly string[];
  /** Who checked a guardian or a representative: an organization's id; empty: the privacy officer. */
  readonly organization: string;
  /** For those who check: what they wrote down. */
  readonly grounds: string;
  /** Whether the patient or another guardian disputes a guardian, and the privacy officer has not decided. */
  readonly waitsForOfficer: boolean;
}

const states: Readonly<Record<Delegation_State, ShownState>> = {
  [Delegation_State.UNSPECIFIED]: "ended",
  [Delegation_State.OFFERED]: "offered",
  [Delegation_State.ACTIVE]: "active",
  [Delegation_State.DISPUTED]: "disputed",
  [Delegation_State.BLOCKED]: "blocked",
  [Delegation_State.ENDED]: "ended",
  [Delegation_State.UNCONFIRMED]: "unconfirmed",
};

const kinds: Readonly<Record<Delegation_Kind, ShownDelegation["kind"]>> = {
  [Delegation_Kind.UNSPECIFIED]: "carer",
  [Delegation_Kind.CARER]: "carer",
  [Delegation_Kind.GUARDIAN]: "guardian",
  [Delegation_Kind.REPRESENTATIVE]: "representative",
};

export function shownDelegation(view: View, one: Delegation, nowMs: number): ShownDelegation {
  const { people } = view.words;
  const end = one.expireTime === undefined ? undefined : msOf(one.expireTime);
  const over = end !== undefined && end <= nowMs;
  const state = over ? (one.state === Delegation_State.OFFERED ? "lapsed" : "ended") : states[one.state];
  const changed = timeText(view, msOf(one.updateTime));
  return {
    id: one.id,
    kind: kinds[one.kind],
    name: one.displayName,
    email: one.email,
    state,
    account: one.account,
    facts: [
      state === "offered" || state === "lapsed"
        ? people.invitedAt(timeText(view, msOf(one.createTime)))
        : people.since(changed),
      ...(end === undefined ? [] : [people.until(timeText(view, end))]),
    ],
    organization: one.organization,
    grounds: one.grounds,
    waitsForOfficer: one.disputeTime !== undefined,
  };
}

/** Whether it counts, or may count again: what is over is shown apart. */
export function isCurrent({ state }: ShownDelegation): boolean {
  return state !== "ended" && state !== "lapsed";
}
