/** Domain types and rules of consents. Times are UTC milliseconds; intervals are half-open. */

export const directions = ["contribute", "read"] as const;
export type Direction = (typeof directions)[number];

/** HL7 v3 PurposeOfUse, by the names of wellapi.type.v1.Purpose. */
export const purposes = [
  "treatment",
  "payment",
  "operations",
  "research",
  "patient_request",
  "public_health",
  "emergency",
  "family_request",
] as const;
export type Purpose = (typeof purposes)[number];

export const resolutions = ["raw", "hourly", "daily"] as const;
export type Resolution = (typeof resolutions)[number];

/** An absent end is open. */
export interface Interval {
  readonly start?: number;
  readonly end?: number;
}

export interface PinnedCategory {
  readonly name: string;
  /** At least 1. */
  readonly version: number;
}

export interface Notice {
  readonly uri: string;
  readonly language: string;
  readonly sha256: string;
}

/** What the patient agrees to. */
export interface Terms {
  readonly grantee: string;
  readonly direction: Direction;
  readonly categories: readonly PinnedCategory[];
  /** Empty for contributing. */
  readonly purposes: readonly Purpose[];
  readonly resolution: Resolution;
  readonly window: Interval;
  readonly validity: Interval;
  /** Empty: the patient's home region only. */
  readonly regions: readonly string[];
  readonly notice?: Notice;
}

/** One version of a consent. */
export interface Consent {
  readonly id: string;
  readonly terms: Terms;
  /** 1 at creation, 2 once revoked. */
  readonly version: number;
  readonly createTime: number;
  readonly revokeTime?: number;
}

export type Status = "active" | "revoked" | "expired";

export function statusOf(consent: Consent, now: number): Status {
  if (consent.revokeTime !== undefined) return "revoked";
  return hasEnded(consent.terms.validity, now) ? "expired" : "active";
}

export function hasEnded(validity: Interval, now: number): boolean {
  return validity.end !== undefined && now >= validity.end;
}

/** The next version, revoked. Final: nothing follows it. */
export function revoked(consent: Consent, now: number): Consent {
  return { ...consent, version: consent.version + 1, revokeTime: now };
}

/** What decisions are made from: one document a patient. */
export interface CurrentConsents {
  /** Not revoked; perhaps expired or not yet in force. At most `mostConsents`. */
  readonly consents: readonly Consent[];
  /** Who had a consent that was revoked, so that a denial can say so. */
  readonly revoked: ReadonlyArray<{ readonly grantee: string; readonly direction: Direction }>;
  /** The patient is being erased or was: no consent can be given any more. */
  readonly closed: boolean;
}

export const noConsents: CurrentConsents = { consents: [], revoked: [], closed: false };

/** Consents that a patient can have in force or to come, so that their document stays small. */
export const mostConsents = 1_000;

/** What a change of consents means for those who enforce them. */
export interface RecallScope {
  /** It takes nothing away from anybody: answers in flight may arrive. */
  readonly onlyWidens: boolean;
  /** Whose consents changed; empty: everybody is concerned, also the patient. */
  readonly grantees: readonly string[];
}

/** Giving a consent only permits: there are no terms that deny. */
export function scopeOfGrant({ grantee }: Terms): RecallScope {
  return { onlyWidens: true, grantees: [grantee] };
}

export function scopeOfRevocation(consents: readonly Consent[]): RecallScope {
  return { onlyWidens: false, grantees: [...new Set(consents.map(({ terms }) => terms.grantee))] };
}

/** The patient is being erased: nobody gets anything any more, themselves included. */
export const scopeOfErasure: RecallScope = { onlyWidens: false, grantees: [] };

export function withCreated(current: CurrentConsents, consent: Consent): CurrentConsents {
  return { ...current, consents: [...current.consents, consent] };
}

export function withRevoked(current: CurrentConsents, ids: ReadonlySet<string>): CurrentConsents {
  const gone = current.consents.filter((consent) => ids.has(consent.id));
  const pairs = new Map(current.revoked.map((pair) => [`${pair.direction} ${pair.grantee}`, pair]));
  for (const { terms } of gone) {
    const { grantee, direction } = terms;
    pairs.set(`${direction} ${grantee}`, { grantee, direction });
  }
  const consents = current.consents.filter((consent) => !ids.has(consent.id));
  return { ...current, consents, revoked: [...pairs.values()] };
}

/** The patient's home region, the first part of their partition. */
export function homeRegionOf(partition: string): string {
  return partition.slice(0, Math.max(0, partition.indexOf("/")));
}

/** The patient's internal id, the second part of their partition. */
export function patientOf(partition: string): string {
  return partition.slice(partition.indexOf("/") + 1);
}
