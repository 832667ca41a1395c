import {
  type Author,
  type CurrentConsents,
  type Emergencies,
  type OpenEmergency,
  type RecallScope,
  scopeOfEverybody,
} from "../consent.ts";

/** Domain types and rules of emergency access. Times are UTC milliseconds. */

/** How long one lasts. */
export const emergencyMs = 3_600_000;

/** Open ones of a patient at most, so that the document of their consents stays small. */
export const mostOpen = 16;

/** How the clinician named the patient: by the organization's own id, or by the patient's emergency code. */
export type Means = "known_patient" | "emergency_code";

/** One clinician's reading of one patient's data without a consent. */
export interface EmergencyAccess extends OpenEmergency {
  /** In the clinician's words, for the patient. It may say something of their health. */
  readonly reason: string;
  readonly means: Means;
  readonly createTime: number;
  /** Absent: it lasts until `expireTime`. */
  readonly end?: { readonly time: number; readonly by: Author };
}

export type EmergencyState = "open" | "ended" | "expired";

export function stateOf({ end, expireTime }: EmergencyAccess, now: number): EmergencyState {
  if (end !== undefined) return "ended";
  return now < expireTime ? "open" : "expired";
}

const none: Emergencies = { open: [], refusals: 0 };

export function emergenciesOf({ emergency = none }: CurrentConsents): Emergencies {
  return emergency;
}

/** What time it is for an organization: an emergency access lives in that of the clinician's. */
export type NowOf = (organization: string) => number;

/** Those that have not expired. */
export function stillOpen(current: CurrentConsents, nowOf: NowOf): readonly OpenEmergency[] {
  return emergenciesOf(current).open.filter(
    ({ organization, expireTime }) => nowOf(organization) < expireTime,
  );
}

export function withOpened(current: CurrentConsents, access: EmergencyAccess, nowOf: NowOf): CurrentConsents {
  const { id, organization, clinician, expireTime } = access;
  const open = [...stillOpen(current, nowOf), { id, organization, clinician, expireTime }];
  return { ...current, emergency: { ...emergenciesOf(current), open } };
}

export function withEnded(current: CurrentConsents, ended: string, nowOf: NowOf): CurrentConsents {
  const open = stillOpen(current, nowOf).filter(({ id }) => id !== ended);
  return { ...current, emergency: { ...emergenciesOf(current), open } };
}

/** `refusals`: which change of the refusal it is. */
export function withRefusal(
  current: CurrentConsents,
  refuseTime: number | undefined,
  refusals: number,
): CurrentConsents {
  const { open } = emergenciesOf(current);
  const emergency = refuseTime === undefined ? { open, refusals } : { open: [], refuseTime, refusals };
  return { ...current, emergency };
}

export function scopeOfOpening({ organization }: OpenEmergency): RecallScope {
  return { onlyWidens: true, grantees: [organization] };
}

/** Nobody loses anything where none was open. */
export function scopeOfEnd(ended: readonly OpenEmergency[]): RecallScope {
  if (ended.length === 0) return { onlyWidens: true, grantees: [] };
  return { onlyWidens: false, grantees: [...new Set(ended.map(({ organization }) => organization))] };
}

/** Of a refusal that was given before, whose recall may not be complete: what it ended is not known any more. */
export const scopeOfRefusalAgain = scopeOfEverybody;
