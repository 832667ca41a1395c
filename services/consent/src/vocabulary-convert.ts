import {
  Consent_State,
  DeIdentification as DeIdentificationMessage,
  Mask as MaskMessage,
  Provision_Effect,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { DenialReason as DenialReasonMessage } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import {
  Actor_Kind,
  CaptureMethod,
  Direction as DirectionMessage,
  Purpose as PurposeMessage,
  Resolution as ResolutionMessage,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type {
  Author,
  DeIdentification,
  Direction,
  Effect,
  Mask,
  Purpose,
  Resolution,
  State,
} from "./consent.ts";
import type { DenialReason } from "./decision.ts";
import type { Method } from "./sources.ts";

export const effectMessages: Record<Effect, Provision_Effect> = {
  permit: Provision_Effect.PERMIT,
  deny: Provision_Effect.DENY,
};

export const directionMessages: Record<Direction, DirectionMessage> = {
  contribute: DirectionMessage.CONTRIBUTE,
  read: DirectionMessage.READ,
};

export const purposeMessages: Record<Purpose, PurposeMessage> = {
  treatment: PurposeMessage.TREATMENT,
  payment: PurposeMessage.PAYMENT,
  operations: PurposeMessage.OPERATIONS,
  research: PurposeMessage.RESEARCH,
  patient_request: PurposeMessage.PATIENT_REQUEST,
  public_health: PurposeMessage.PUBLIC_HEALTH,
  emergency: PurposeMessage.EMERGENCY,
  family_request: PurposeMessage.FAMILY_REQUEST,
};

export const resolutionMessages: Record<Resolution, ResolutionMessage> = {
  raw: ResolutionMessage.RAW,
  hourly: ResolutionMessage.HOURLY,
  daily: ResolutionMessage.DAILY,
};

export const deIdentificationMessages: Record<DeIdentification, DeIdentificationMessage> = {
  safe_harbor: DeIdentificationMessage.SAFE_HARBOR,
};

export const methodMessages: Record<Method, CaptureMethod> = {
  sensed: CaptureMethod.SENSED,
  derived: CaptureMethod.DERIVED,
  self_reported: CaptureMethod.SELF_REPORTED,
  clinician: CaptureMethod.CLINICIAN,
};

export const maskMessages: Record<Mask, MaskMessage> = {
  device: MaskMessage.DEVICE,
  notes: MaskMessage.NOTES,
  performer: MaskMessage.PERFORMER,
};

export const stateMessages: Record<State, Consent_State> = {
  scheduled: Consent_State.SCHEDULED,
  active: Consent_State.ACTIVE,
  revoked: Consent_State.REVOKED,
  expired: Consent_State.EXPIRED,
};

export const denialMessages: Record<DenialReason, DenialReasonMessage> = {
  no_consent: DenialReasonMessage.NO_CONSENT,
  revoked: DenialReasonMessage.REVOKED,
  expired: DenialReasonMessage.EXPIRED,
  category: DenialReasonMessage.CATEGORY,
  purpose: DenialReasonMessage.PURPOSE,
  region: DenialReasonMessage.REGION,
  denied: DenialReasonMessage.DENIED,
  not_understood: DenialReasonMessage.NOT_UNDERSTOOD,
  frozen: DenialReasonMessage.FROZEN,
};

export const actorKinds: Record<Author["kind"], Actor_Kind> = {
  patient: Actor_Kind.PATIENT,
  guardian: Actor_Kind.GUARDIAN,
  carer: Actor_Kind.CARER,
  representative: Actor_Kind.REPRESENTATIVE,
  application: Actor_Kind.APPLICATION,
  clinician: Actor_Kind.CLINICIAN,
  member: Actor_Kind.MEMBER,
  operator: Actor_Kind.OPERATOR,
  service: Actor_Kind.SERVICE,
};

/** The name here of a number on the wire; undefined for an unspecified or unknown one. */
export function named<N extends string, V extends number>(
  messages: Record<N, V>,
  value: number,
): N | undefined {
  const found = (Object.entries(messages) as Array<[N, V]>).find(([, message]) => message === value);
  return found?.[0];
}

/** The number of a name; 0 (unspecified) for a name that is not known here, as a newer release may have stored it. */
export function numberOf<V extends number>(messages: Record<string, V>, name: string | undefined): V {
  return (name === undefined ? undefined : messages[name]) ?? (0 as V);
}
