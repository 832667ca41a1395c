/** Domain types and rules of consents. Times are UTC milliseconds; intervals are half-open. */

import { countNamed, type FromSources } from "./sources.ts";

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

/** How data is made anonymous: by the HIPAA Safe Harbor method. */
export const deIdentifications = ["safe_harbor"] as const;
export type DeIdentification = (typeof deIdentifications)[number];

/** What can be left out of data that is read: notes and other free text, and who took it. */
export const masks = ["device", "notes", "performer"] as const;
export type Mask = (typeof masks)[number];

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

export const effects = ["permit", "deny"] as const;
export type Effect = (typeof effects)[number];

/** Which data, by when it was captured: within an interval, or in the last `lastMs` milliseconds at each use. */
export interface Captured extends Interval {
  readonly lastMs?: number;
}

/** One permission or denial: everything that it states must match. */
export interface Provision {
  readonly effect: Effect;
  readonly directions: readonly Direction[];
  readonly categories: readonly PinnedCategory[];
  /** Of reading; contributing has no purpose. Empty in a denial: reading for all purposes. */
  readonly purposes: readonly Purpose[];
  /** Of a permission to read; absent otherwise. */
  readonly resolution?: Resolution;
  readonly captured: Captured;
  /** Of reading alone: whose data. Absent: everybody's. */
  readonly sources?: FromSources;
  /** Of a permission to read alone: what is left out of it, each once, in the order of `masks`. Absent: nothing. */
  readonly masks?: readonly Mask[];
  /** Of a permission to read: only without what tells who the patient is. Absent: as it is. */
  readonly deIdentification?: DeIdentification;
  /** Empty in a permission: the patient's home region only. Always empty in a denial: it denies in all. */
  readonly regions: readonly string[];
}

/** The provisions of a patient for one organization. */
export interface Terms {
  readonly grantee: string;
  readonly provisions: readonly Provision[];
  readonly validity: Interval;
  readonly notice?: Notice;
}

/** Who granted or changed a consent; `id` is internal. All but a service act on the patient's behalf. */
export interface Author {
  readonly kind:
    | "patient"
    | "guardian"
    | "carer"
    | "representative"
    | "clinician"
    | "member"
    | "application"
    | "operator"
    | "service";
  readonly id: string;
}

/** One version of a consent. */
export interface Consent {
  readonly id: string;
  readonly terms: Terms;
  /** 1 at creation; one more with each change of the terms, and once revoked. */
  readonly version: number;
  readonly grantor: Author;
  readonly createTime: number;
  readonly revokeTime?: number;
}

export const states = ["scheduled", "active", "revoked", "expired"] as const;
export type State = (typeof states)[number];

export function stateOf({ revokeTime, terms: { validity } }: Consent, now: number): State {
  if (revokeTime !== undefined) return "revoked";
  if (hasEnded(validity, now)) return "expired";
  return validity.start !== undefined && now < validity.start ? "scheduled" : "active";
}

export function hasEnded(validity: Interval, now: number): boolean {
  return validity.end !== undefined && now >= validity.end;
}

/** The next version, revoked. Final: nothing follows it. */
export function revoked(consent: Consent, now: number): Consent {
  return { ...consent, version: consent.version + 1, revokeTime: now };
}

/** The next version, with other terms. */
export function amended(consent: Consent, terms: Terms, grantor: Author): Consent {
  return { ...consent, terms, grantor, version: consent.version + 1 };
}

/** The part of an emergency access that decides. */
export interface OpenEmergency {
  /** `emg_...` */
  readonly id: string;
  readonly organization: string;
  /** The clinician's account. */
  readonly clinician: string;
  readonly expireTime: number;
}

/** What a patient's consents say about emergencies. */
export interface Emergencies {
  /** Not ended; perhaps expired. */
  readonly open: readonly OpenEmergency[];
  /** "Not even in an emergency", since then. */
  readonly refuseTime?: number;
  /** How often the refusal was given or taken back: the order of these changes, which a restore must not undo. */
  readonly refusals: number;
}

/** Whether the record is frozen because its patient died. */
export interface Freeze {
  /** Since when. Absent: it was a mistake, and the record is not frozen any more. */
  readonly time?: number;
  /** How often it froze or thawed: the order of these changes, which a restore must not undo. */
  readonly changes: number;
}

/** Data that the patient disputes: it is told marked until its contributor has decided about it. */
export interface Dispute {
  /** The rights request, `rrq_...`. */
  readonly request: string;
  /** Who contributed the data, and is asked to correct it. */
  readonly organization: string;
  readonly category: PinnedCategory;
  readonly captured: Interval;
  /** `dev_...`; absent: of any device. */
  readonly device?: string;
  /** `rec_...`: this clinical record alone. */
  readonly record?: string;
}

/** The input of decisions: one document a patient. */
export interface CurrentConsents {
  /** Not revoked; perhaps expired or not yet in force. At most `mostConsents`. */
  readonly consents: readonly Consent[];
  /** Organizations with a revoked consent, so that a denial can name that reason. */
  readonly revoked: ReadonlyArray<{ readonly grantee: string; readonly direction: Direction }>;
  /** The patient is being erased or was erased: no consent can be granted any more. */
  readonly closed: boolean;
  /** Absent: there never was anything about emergencies. */
  readonly emergency?: Emergencies;
  /** Absent: it never froze. */
  readonly freeze?: Freeze;
  /** Absent or empty: nothing is disputed. At most `mostDisputes`. */
  readonly disputes?: readonly Dispute[];
}

/** Whether nothing is permitted, although consents are kept. */
export function isFrozen({ freeze }: CurrentConsents): boolean {
  return freeze?.time !== undefined;
}

export const noConsents: CurrentConsents = { consents: [], revoked: [], closed: false };

/** Consents that a patient can have in force or in future, so that their document stays small. */
export const mostConsents = 1_000;
/** Provisions of all of these, for the same reason. */
export const mostProvisions = 2_000;
/**
 * Denials for one organization: they part a permission into pieces, whose number grows with the square of the
 * denials.
 */
export const mostDenials = 32;
/** Contributors, devices and ways to come about that the consents for one organization name: each may be decided about apart, with all denials. */
export const mostSources = 16;

/** The limit that another consent with these terms would exceed; undefined where there is room. */
export function lackOfRoom(current: CurrentConsents, terms: Terms): string | undefined {
  const all = [...current.consents.map((consent) => consent.terms), terms];
  if (all.length > mostConsents) return "there are 1,000 consents that are not revoked";
  if (all.reduce((sum, { provisions }) => sum + provisions.length, 0) > mostProvisions) {
    return "the consents that are not revoked have 2,000 provisions";
  }
  const theirs = all
    .filter(({ grantee }) => grantee === terms.grantee)
    .flatMap(({ provisions }) => provisions);
  if (theirs.filter(({ effect }) => effect === "deny").length > mostDenials) {
    return "32 provisions deny something to this organization";
  }
  return countNamed(theirs) > mostSources
    ? "the provisions for this organization name 16 sources"
    : undefined;
}

/** What a change of consents means for enforcers. */
export interface RecallScope {
  /** The change takes nothing away: answers in flight may arrive. */
  readonly onlyWidens: boolean;
  /** Organizations whose consents changed; empty: everybody is concerned, also the patient. */
  readonly grantees: readonly string[];
}

/** The categories that the terms name, each once. */
export function categoryNames({ provisions }: Pick<Terms, "provisions">): readonly string[] {
  return [...new Set(provisions.flatMap(({ categories }) => categories.map(({ name }) => name)))];
}

/**
 * Whether the terms are about care to which the patient, a minor, may consent alone: whoever acts in the patient's name neither sees
 * nor changes such a consent, and does not learn that there is one. `hides`: the names of its categories.
 */
export function isHidden(terms: Pick<Terms, "provisions">, hides: readonly string[] | undefined): boolean {
  return hides !== undefined && categoryNames(terms).some((name) => hides.includes(name));
}

/** Whether the terms take something away. */
export function denies({ provisions }: Terms): boolean {
  return provisions.some(({ effect }) => effect !== "permit");
}

export function scopeOfGrant(terms: Terms): RecallScope {
  return { onlyWidens: !denies(terms), grantees: [terms.grantee] };
}

export function scopeOfRevocation(consents: readonly Consent[]): RecallScope {
  return { onlyWidens: false, grantees: [...new Set(consents.map(({ terms }) => terms.grantee))] };
}

/** Something is taken away, and everybody is concerned, the patient included. */
export const scopeOfEverybody: RecallScope = { onlyWidens: false, grantees: [] };

export function withCreated(current: CurrentConsents, consent: Consent): CurrentConsents {
  return { ...current, consents: [...current.consents, consent] };
}

export function withAmended(current: CurrentConsents, next: Consent): CurrentConsents {
  const consents = current.consents.map((one) => (one.id === next.id ? next : one));
  return { ...current, consents };
}

export function withRevoked(current: CurrentConsents, ids: ReadonlySet<string>): CurrentConsents {
  const gone = current.consents.filter((consent) => ids.has(consent.id));
  const pairs = new Map(current.revoked.map((pair) => [`${pair.direction} ${pair.grantee}`, pair]));
  for (const { grantee, provisions } of gone.map(({ terms }) => terms)) {
    for (const { effect, directions } of provisions) {
      if (effect !== "permit") continue;
      for (const direction of directions) pairs.set(`${direction} ${grantee}`, { grantee, direction });
    }
  }
  const consents = current.consents.filter((consent) => !ids.has(consent.id));
  return { ...current, consents, revoked: [...pairs.values()] };
}

/**
 * No consent is in force any more, and none can be granted; no emergency access is open either, and no data is left that could be
 * disputed.
 */
export function withClosed({ disputes: _, ...current }: CurrentConsents): CurrentConsents {
  const { emergency } = current;
  return { ...current, closed: true, ...(emergency && { emergency: { ...emergency, open: [] } }) };
}

/** The patient's home region, the first part of their partition. */
export function homeRegionOf(partition: string): string {
  return partition.slice(0, Math.max(0, partition.indexOf("/")));
}

/** The patient's internal id, the second part of their partition. */
export function patientOf(partition: string): string {
  return partition.slice(partition.indexOf("/") + 1);
}
