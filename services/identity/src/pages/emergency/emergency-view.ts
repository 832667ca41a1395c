import {
  type EmergencyAccess,
  EmergencyAccess_Means,
  EmergencyAccess_State,
} from "@wellapi/gen/wellapi/consent/v1/emergency_pb";
import { msOf } from "../account/account-view.ts";
import { timeText } from "../times.ts";
import type { View } from "../view.ts";

/** An emergency access as a page shows it. */
export interface ShownEmergency {
  readonly id: string;
  /** By the reader's own id for them. */
  readonly patient: string;
  /** Its name. */
  readonly organization: string;
  /** Its id. */
  readonly organizationId: string;
  readonly clinician: string;
  /** Empty for who must not read it. */
  readonly reason: string;
  readonly byCode: boolean;
  readonly opened: string;
  readonly state: "open" | "ended" | "expired";
  /** When it ends, or has ended. */
  readonly until: string;
}

/** `organization`: its name. */
export function shownEmergency(view: View, access: EmergencyAccess, organization: string): ShownEmergency {
  const { id, patient, clinician, reason, means, state, createTime, expireTime, endTime } = access;
  const text = (time: EmergencyAccess["createTime"]) => timeText(view, msOf(time));
  const ended = state === EmergencyAccess_State.ENDED;
  return {
    id,
    patient,
    organization,
    organizationId: access.organization,
    clinician,
    reason,
    byCode: means === EmergencyAccess_Means.EMERGENCY_CODE,
    opened: text(createTime),
    state: ended ? "ended" : state === EmergencyAccess_State.OPEN ? "open" : "expired",
    until: text(ended ? endTime : expireTime),
  };
}
