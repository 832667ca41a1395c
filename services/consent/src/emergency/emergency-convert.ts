import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  EmergencyAccess_Means,
  EmergencyAccess_State,
  type EmergencyAccessSchema,
  type EmergencySettingsSchema,
} from "@wellapi/gen/wellapi/consent/v1/emergency_pb";
import { Actor_Kind } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { actorMessage } from "../convert.ts";
import { type EmergencyState, type Means, stateOf } from "./emergency.ts";
import type { KeptEmergency } from "./emergency-repository.ts";

const states: Readonly<Record<EmergencyState, EmergencyAccess_State>> = {
  open: EmergencyAccess_State.OPEN,
  ended: EmergencyAccess_State.ENDED,
  expired: EmergencyAccess_State.EXPIRED,
};
const means: Readonly<Record<Means, EmergencyAccess_Means>> = {
  known_patient: EmergencyAccess_Means.KNOWN_PATIENT,
  emergency_code: EmergencyAccess_Means.EMERGENCY_CODE,
};

/** As one reader sees it. */
export interface EmergencyReader {
  /** The patient's id for the reader. */
  readonly patient: string;
  readonly now: number;
  /** Whether the reader is the patient or the clinician: to others the reason may tell of somebody's health. */
  readonly seesReason: boolean;
}

export function emergencyMessage(
  { access }: KeptEmergency,
  { patient, now, seesReason }: EmergencyReader,
): MessageInitShape<typeof EmergencyAccessSchema> {
  const { id, organization, clinician, reason, createTime, expireTime, end } = access;
  return {
    id,
    patient,
    organization,
    clinician,
    reason: seesReason ? reason : "",
    means: means[access.means],
    state: states[stateOf(access, now)],
    createTime: timestampFromMs(createTime),
    expireTime: timestampFromMs(expireTime),
    ...(end && { endTime: timestampFromMs(end.time), endedBy: endedBy(end.by, patient) }),
  };
}

/** The clinician and the privacy officer act for nobody. */
function endedBy(by: Parameters<typeof actorMessage>[0], patient: string) {
  if (by.kind === "clinician") return { kind: Actor_Kind.CLINICIAN, id: by.id };
  if (by.kind === "operator") return { kind: Actor_Kind.OPERATOR, id: by.id };
  return actorMessage(by, patient);
}

export function settingsMessage(
  refuseTime: number | undefined,
  codeTime: number | undefined,
): MessageInitShape<typeof EmergencySettingsSchema> {
  return {
    refused: refuseTime !== undefined,
    ...(refuseTime !== undefined && { refuseTime: timestampFromMs(refuseTime) }),
    ...(codeTime !== undefined && { codeCreateTime: timestampFromMs(codeTime) }),
  };
}
