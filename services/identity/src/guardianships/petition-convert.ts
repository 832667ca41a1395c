import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  Petition_State,
  type PetitionSchema,
} from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { invalidField } from "../errors.ts";
import { type Petition, type PetitionState, stateAt } from "./petition.ts";

const stateMessages: Readonly<Record<PetitionState, Petition_State>> = {
  waiting: Petition_State.WAITING,
  confirmed: Petition_State.CONFIRMED,
  refused: Petition_State.REFUSED,
  withdrawn: Petition_State.WITHDRAWN,
  lapsed: Petition_State.LAPSED,
};

/** Throws `invalid`. */
export function fromDecision(message: Petition_State): "confirmed" | "refused" {
  if (message === Petition_State.CONFIRMED) return "confirmed";
  if (message === Petition_State.REFUSED) return "refused";
  throw invalidField("state", "it is no decision: confirm or refuse");
}

/** `reader`: grounds and reasons are for who asks and who verifies. `patient`: by the reader's id, empty for who asks. */
export function toPetitionMessage(
  petition: Petition,
  reader: { readonly patient: string; readonly organizationName: string; readonly readsGrounds: boolean },
  now: number,
): MessageInitShape<typeof PetitionSchema> {
  const { id, organization, createTime, expireTime, endTime, delegation = "", particulars } = petition;
  const { account, email, displayName, patientName, grounds, birthDate, groundsEnd, reason } = particulars;
  const told = reader.readsGrounds;
  return {
    id,
    state: stateMessages[stateAt(petition, now)],
    patient: reader.patient,
    organization,
    organizationName: reader.organizationName,
    account,
    email,
    displayName,
    patientName,
    grounds: told ? grounds : "",
    birthDate: birthDate ?? "",
    ...(groundsEnd !== undefined && { groundsEndTime: timestampFromMs(groundsEnd) }),
    createTime: timestampFromMs(createTime),
    expireTime: timestampFromMs(expireTime),
    ...(endTime !== undefined && { endTime: timestampFromMs(endTime) }),
    reason: told ? (reason ?? "") : "",
    delegation,
  };
}
