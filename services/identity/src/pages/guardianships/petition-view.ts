import { type Petition, Petition_State } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { msOf } from "../account/account-view.ts";
import type { Html } from "../html.ts";
import { badge } from "../parts.ts";
import { timeText } from "../times.ts";
import type { View } from "../view.ts";

type ShownState = keyof View["words"]["guardianship"]["states"];

/** A petition: texts, in the reader's language. */
export interface ShownPetition {
  readonly id: string;
  readonly state: ShownState;
  /** The patient's number, for who verifies; empty for who asks. */
  readonly patient: string;
  readonly patientName: string;
  readonly name: string;
  readonly email: string;
  /** `asked ...`, `waits until ...`, who checks it. */
  readonly facts: readonly string[];
  /** What the person says of a child's birth and of the end: for who verifies. */
  readonly said: readonly string[];
  readonly grounds: string;
  readonly reason: string;
}

const states: Readonly<Record<Petition_State, ShownState>> = {
  [Petition_State.UNSPECIFIED]: "lapsed",
  [Petition_State.WAITING]: "waiting",
  [Petition_State.CONFIRMED]: "confirmed",
  [Petition_State.REFUSED]: "refused",
  [Petition_State.WITHDRAWN]: "withdrawn",
  [Petition_State.LAPSED]: "lapsed",
};

export function shownPetition(view: View, one: Petition): ShownPetition {
  const { guardianship } = view.words;
  const at = (time: Petition["createTime"]) => (time === undefined ? "" : timeText(view, msOf(time)));
  const state = states[one.state];
  const decided = (state === "confirmed" || state === "refused") && one.endTime !== undefined;
  const { groundsEndTime } = one;
  return {
    id: one.id,
    state,
    patient: one.patient,
    patientName: one.patientName,
    name: one.displayName,
    email: one.email,
    facts: [
      guardianship.askedAt(at(one.createTime)),
      ...(state === "waiting" ? [guardianship.lapses(at(one.expireTime))] : []),
      ...(decided ? [guardianship.decidedAt(at(one.endTime))] : []),
      guardianship.checkedBy(one.organizationName || one.organization || guardianship.officer),
    ],
    said: [
      ...(one.birthDate === "" ? [] : [guardianship.bornAt(one.birthDate)]),
      ...(groundsEndTime === undefined ? [] : [guardianship.groundsUntil(at(groundsEndTime))]),
    ],
    grounds: one.grounds,
    reason: one.reason,
  };
}

export function petitionBadge({ words }: View, { state }: ShownPetition): Html {
  const tone = state === "confirmed" ? "success" : state === "waiting" ? "warning" : "plain";
  return badge(tone, words.guardianship.states[state]);
}
