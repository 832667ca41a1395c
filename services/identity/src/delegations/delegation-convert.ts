import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  Delegation_Kind,
  Delegation_State,
  type DelegationSchema,
} from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { invalidField } from "../errors.ts";
import type { Delegation, Kind, State } from "./delegation.ts";

export const kindMessages: Readonly<Record<Kind, Delegation_Kind>> = {
  carer: Delegation_Kind.CARER,
  guardian: Delegation_Kind.GUARDIAN,
  representative: Delegation_Kind.REPRESENTATIVE,
};

const stateMessages: Readonly<Record<State, Delegation_State>> = {
  offered: Delegation_State.OFFERED,
  unconfirmed: Delegation_State.UNCONFIRMED,
  active: Delegation_State.ACTIVE,
  disputed: Delegation_State.DISPUTED,
  blocked: Delegation_State.BLOCKED,
  ended: Delegation_State.ENDED,
};

/** Throws `invalid`. */
export function fromState(message: Delegation_State): State {
  const state = (Object.keys(stateMessages) as State[]).find((one) => stateMessages[one] === message);
  if (state === undefined || state === "offered" || state === "unconfirmed")
    throw invalidField("state", "it is no state to set");
  return state;
}

/** `end`: when it ends by itself. The grounds are for who verifies. */
export function toDelegationMessage(
  { id, kind, state, organization, createTime, updateTime, disputeTime, particulars }: Delegation,
  end: number | undefined,
  verifies: boolean,
): MessageInitShape<typeof DelegationSchema> {
  const { account = "", email, displayName, grounds = "" } = particulars;
  return {
    id,
    kind: kindMessages[kind],
    state: stateMessages[state],
    account,
    email,
    displayName,
    organization,
    grounds: verifies ? grounds : "",
    createTime: timestampFromMs(createTime),
    updateTime: timestampFromMs(updateTime),
    ...(end === undefined ? {} : { expireTime: timestampFromMs(end) }),
    ...(disputeTime === undefined ? {} : { disputeTime: timestampFromMs(disputeTime) }),
  };
}
