import {
  type Captured,
  type Consent,
  type CurrentConsents,
  type Direction,
  type Dispute,
  hasEnded,
  homeRegionOf,
  type Interval,
  isFrozen,
  type Mask,
  type OpenEmergency,
  type Provision,
  type Purpose,
  type Resolution,
  resolutions,
} from "./consent.ts";
import { disputesOf } from "./disputes.ts";
import { type Scope, within, without } from "./scope.ts";
import { type SourceClass, type Sources, sourceClasses, sourcesOf } from "./sources.ts";
import { type Categories, unknownInConsent, unknownInCurrent } from "./understanding.ts";

/** An undefined field was not stated, or its value is not known here: it never permits. */
export interface Question {
  readonly partition: string;
  readonly organization: string;
  readonly direction: Direction | undefined;
  /** LOINC code. */
  readonly code: string;
  /** Not used for contributing. */
  readonly purpose: Purpose | undefined;
  /** The region that would receive the data. */
  readonly region: string;
  /** The account of the person who reads for an emergency; undefined: no emergency access counts. */
  readonly person?: string;
  /** By how much the organization's clock is ahead, in a sandbox, milliseconds: who decides passes the time there. Absent: not at all. */
  readonly aheadMs?: number;
}

export type DenialReason =
  | "no_consent"
  | "revoked"
  | "expired"
  | "category"
  | "purpose"
  | "region"
  | "denied"
  | "not_understood"
  | "frozen";

/**
 * What one provision permits, or one part of it where denials leave several, which may overlap. Of emergency access: version 1,
 * provision 0.
 */
export interface Permit {
  /** `con_...`; of emergency access `emg_...`. */
  readonly consent: string;
  readonly version: number;
  /** The provision's position in the consent. */
  readonly provision: number;
  readonly resolution: Resolution;
  readonly captured: Captured;
  readonly validity: Interval;
  /** Only data of these sources. Absent: of all. */
  readonly sources?: Sources;
  /** What is left out of it. Absent: nothing. */
  readonly masks?: readonly Mask[];
  /** It is emergency access. */
  readonly emergency?: true;
  /** Only for exports that leave out what tells who the patient is. */
  readonly deIdentified?: true;
}

export type Decision =
  | {
      readonly permitted: true;
      readonly permits: readonly [Permit, ...Permit[]];
      /** What of it the patient disputes, whoever asks. Only of reading; absent: nothing. */
      readonly disputes?: readonly Dispute[];
    }
  | {
      readonly permitted: false;
      readonly reason: DenialReason;
      /** Of `not_understood`: the place, for the operator. */
      readonly unknown?: { readonly consent: string; readonly path: string };
    };

/** A provision with its consent and its position in it. */
interface Placed {
  readonly consent: Consent;
  readonly provision: Provision;
  readonly position: number;
}

/**
 * Decides. Permits include those whose validity has not begun: who uses them checks the clock each time.
 *
 * Where a consent of the organization says anything that is not known here, none of its consents permits: the unknown
 * part might be a denial. Otherwise the organization's permissions in the direction pass six filters, in this order:
 * not expired, category, purpose, region, known resolution, not denied. The reason of a denial is the first filter
 * that left no permission, so it names what the best permission lacks. Where there was no permission at the start,
 * the reason distinguishes a revoked consent from none.
 *
 * Emergency access stands beside the permissions that are left, or in place of them: it makes up for a missing consent. A denial
 * is taken off it as off any permission, and with "not even in an emergency" there is none.
 *
 * Of a record that is frozen nothing is permitted. `frozen` is the reason where all else permits: whoever has no consent does not
 * learn that the patient died.
 */
export function decide(
  current: CurrentConsents,
  question: Question,
  now: number,
  categories: Categories,
): Decision {
  const { organization } = question;
  const doubt = doubtOf(current, organization, categories);
  if (doubt !== undefined) return { permitted: false, reason: "not_understood", unknown: doubt };
  const theirs = current.consents.filter(({ terms }) => terms.grantee === organization);
  const placed = theirs.flatMap((consent) =>
    consent.terms.provisions.map((provision, position): Placed => ({ consent, provision, position })),
  );
  const sifted = sift(placed, current, question, now, categories);
  const emergencies = openEmergencies(current, question, now);
  if (!("left" in sifted) && emergencies.length === 0) return { permitted: false, reason: sifted.lack };
  const permissions = "left" in sifted ? sifted.left : [];
  const denials = placed.filter((one) => denies(one, question, now, categories));
  const classes = sourceClasses([...permissions, ...denials].map(({ provision }) => provision));
  const undeniedBy = remaining();
  const [first, ...rest] = joinedBySource(
    classes.map((one): FromClass => {
      const concerned = ({ provision }: Placed) => one.concerns(provision);
      const undenied = undeniedBy(denials.filter(concerned));
      const permits = [
        ...permissions.filter(concerned).flatMap((each) => permitsOf(each, question, undenied, now)),
        ...emergencies.flatMap((each) => emergencyPermits(each, undenied, now)),
      ];
      return { of: one, permits };
    }),
  );
  if (first === undefined) return { permitted: false, reason: "denied" };
  if (isFrozen(current)) return { permitted: false, reason: "frozen" };
  const decision = { permitted: true, permits: [first, ...rest] } as const;
  const disputes = question.direction === "read" ? disputesOf(current, question.code, categories) : undefined;
  return disputes === undefined ? decision : { ...decision, disputes };
}

/** However little the consents say of times: what else a decision depends on, as the categories of a release, changes seldom, and no no outlives it for long. */
const mostDeniedMs = 600_000;

/**
 * Until when a no to any question of an organization stays as it is if nobody changes anything: a validity of its consents begins or ends then, or
 * an hour of emergency access is over. Undefined for what is not understood: a newer release may, at any time.
 */
export function deniedUntil(
  { consents, emergency }: CurrentConsents,
  organization: string,
  reason: DenialReason,
  now: number,
): number | undefined {
  if (reason === "not_understood") return undefined;
  const validities = consents.flatMap(({ terms: { grantee, validity } }) =>
    grantee === organization ? [validity.start, validity.end] : [],
  );
  const ends = (emergency?.open ?? []).map(({ expireTime }) => expireTime);
  const coming = [...validities, ...ends].filter((time) => time !== undefined && time > now);
  return Math.min(now + mostDeniedMs, ...(coming as number[]));
}

/** What denials leave of all times. Classes of sources mostly have the same ones, and these are taken off once. */
function remaining(): (denials: readonly Placed[]) => readonly Scope[] {
  const known: { readonly denials: readonly Placed[]; readonly left: readonly Scope[] }[] = [];
  return (denials) => {
    const same = known.find(
      (one) =>
        one.denials.length === denials.length && one.denials.every((denial, i) => denial === denials[i]),
    );
    if (same !== undefined) return same.left;
    const left = without(
      denials.map(({ consent, provision }) => {
        return { validity: consent.terms.validity, captured: provision.captured };
      }),
    );
    known.push({ denials, left });
    return left;
  };
}

/** What is permitted of the data of one class of sources. */
interface FromClass {
  readonly of: SourceClass;
  readonly permits: readonly Permit[];
}

/** One permit for all sources of which the same is permitted, or a few where their ways to come about differ. */
function joinedBySource(classes: readonly FromClass[]): readonly Permit[] {
  // Nearly always there is one, of all sources.
  if (classes.length === 1) return classes[0]!.permits;
  const all = classes.map(({ of }) => of);
  const alike = Map.groupBy(
    classes.flatMap(({ of, permits }) => permits.map((permit) => ({ of, permit }))),
    ({ permit }) => JSON.stringify(permit),
  );
  return [...alike.values()].flatMap((same) => {
    const parts = sourcesOf(
      same.map(({ of }) => of),
      all,
    );
    return parts.map((sources) => ({ ...same[0]!.permit, ...(sources && { sources }) }));
  });
}

type Sifted = { readonly left: readonly Placed[] } | { readonly lack: DenialReason };

/** The permissions that pass all filters, or what the best one lacks. */
function sift(
  placed: readonly Placed[],
  { revoked }: CurrentConsents,
  question: Question,
  now: number,
  categories: Categories,
): Sifted {
  const { organization, direction } = question;
  let left = placed.filter(({ provision }) => provision.effect === "permit" && runs(provision, direction));
  if (left.length === 0) {
    const had = revoked.some((pair) => pair.direction === direction && pair.grantee === organization);
    return { lack: had ? "revoked" : "no_consent" };
  }
  for (const [reason, passes] of sievesOf(question, now, categories)) {
    left = left.filter(passes);
    if (left.length === 0) return { lack: reason };
  }
  return { left };
}

type Sieve = readonly [DenialReason, (placed: Placed) => boolean];

function sievesOf(question: Question, now: number, categories: Categories): readonly Sieve[] {
  return [
    ["expired", ({ consent }) => !hasEnded(consent.terms.validity, now)],
    ["category", ({ provision }) => covers(provision, question.code, categories)],
    ["purpose", ({ provision }) => coversPurpose(provision.purposes, question)],
    ["region", ({ provision }) => coversRegion(provision.regions, question)],
    ["not_understood", ({ provision }) => resolutionOf(provision, question) !== undefined],
  ];
}

/** The unknown content of the patient's consents, where it affects the organization's consents. */
function doubtOf(current: CurrentConsents, organization: string, categories: Categories) {
  const path = unknownInCurrent(current);
  if (path !== undefined) return { consent: "", path };
  for (const consent of current.consents) {
    const grantee: unknown = consent?.terms?.grantee;
    if (typeof grantee === "string" && grantee !== organization) continue;
    const unknown =
      unknownInConsent(consent, categories) ?? (typeof grantee === "string" ? undefined : "terms.grantee");
    if (unknown !== undefined) return { consent: consent?.id ?? "", path: unknown };
  }
  return undefined;
}

function denies(
  { consent, provision }: Placed,
  { direction, code, purpose }: Question,
  now: number,
  categories: Categories,
): boolean {
  if (provision.effect === "permit" || hasEnded(consent.terms.validity, now)) return false;
  if (!runs(provision, direction) || !covers(provision, code, categories)) return false;
  const { purposes } = provision;
  const forAll = direction === "contribute" || purposes.length === 0;
  return forAll || (purpose !== undefined && purposes.includes(purpose));
}

function permitsOf(
  { consent, provision, position }: Placed,
  question: Question,
  undenied: readonly Scope[],
  now: number,
): Permit[] {
  const { id, version, terms } = consent;
  const { lastMs } = provision.captured;
  const resolution = resolutionOf(provision, question);
  if (resolution === undefined) return [];
  return within({ validity: terms.validity, captured: everCaptured(consent, provision) }, undenied)
    .filter(({ validity }) => !hasEnded(validity, now))
    .map(({ validity, captured }) => ({
      consent: id,
      version,
      provision: position,
      resolution,
      captured: { ...captured, ...(lastMs === undefined ? {} : { lastMs }) },
      validity,
      ...(provision.masks !== undefined && { masks: provision.masks }),
      // Whatever it says there, also what a newer release means by it, is less than the data as it is.
      ...(provision.deIdentification !== undefined && { deIdentified: true as const }),
    }));
}

/**
 * All data that a provision ever permits, by capture time. For a sliding window that is the window at its beginning
 * and everything later: an enforcer must know from where on data was permitted.
 */
function everCaptured({ terms, createTime }: Consent, { captured }: Provision): Interval {
  const { lastMs, ...interval } = captured;
  if (lastMs === undefined) return interval;
  return { start: Math.max(createTime, terms.validity.start ?? createTime) - lastMs };
}

function runs({ directions }: Provision, direction: Direction | undefined): boolean {
  return direction !== undefined && directions.includes(direction);
}

function covers({ categories }: Provision, code: string, known: Categories): boolean {
  return categories.some(({ name, version }) => known.has(code, name, version));
}

function coversPurpose(purposes: readonly Purpose[], { direction, purpose }: Question): boolean {
  return direction === "contribute" || (purpose !== undefined && purposes.includes(purpose));
}

/** Contributed data is stored at home, whatever regions may receive it later. */
function coversRegion(regions: readonly string[], { direction, partition, region }: Question): boolean {
  const home = homeRegionOf(partition);
  if (region === "" || home === "") return false;
  if (direction === "contribute" || regions.length === 0) return region === home;
  return regions.includes(region);
}

/** Undefined for a resolution that this release cannot enforce. Contributed data is stored as it was recorded. */
function resolutionOf({ resolution }: Provision, { direction }: Question): Resolution | undefined {
  if (direction === "contribute") return resolution === undefined || isKnown(resolution) ? "raw" : undefined;
  return isKnown(resolution) ? resolution : undefined;
}

function isKnown(resolution: Resolution | undefined): resolution is Resolution {
  return resolution !== undefined && resolutions.includes(resolution);
}

/**
 * The emergency accesses that answer a question: of the very person and organization who ask, for reading at home for the purpose
 * of the emergency, within their hour, and none where the patient says "not even in an emergency".
 */
function openEmergencies(
  { emergency, closed }: CurrentConsents,
  { direction, purpose, person, organization, partition, region }: Question,
  now: number,
): readonly OpenEmergency[] {
  if (emergency === undefined || emergency.refuseTime !== undefined || closed) return [];
  if (direction !== "read" || purpose !== "emergency" || person === undefined) return [];
  if (region === "" || region !== homeRegionOf(partition)) return [];
  return emergency.open.filter(
    (one) => one.clinician === person && one.organization === organization && now < one.expireTime,
  );
}

/** All data as it was recorded, but for what is denied, until the hour is over. It has begun: whoever asks holds its answer. */
function emergencyPermits(
  { id, expireTime }: OpenEmergency,
  undenied: readonly Scope[],
  now: number,
): Permit[] {
  return within({ validity: { end: expireTime }, captured: {} }, undenied)
    .filter(({ validity }) => !hasEnded(validity, now))
    .map(({ validity, captured }) => ({
      consent: id,
      version: 1,
      provision: 0,
      resolution: "raw",
      captured,
      validity,
      emergency: true,
    }));
}
