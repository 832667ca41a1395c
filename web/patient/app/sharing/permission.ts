import {
  type Consent,
  Consent_State,
  DeIdentification,
  type Mask,
  type Provision,
  Provision_Effect,
  type SourceSelector,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  type CaptureMethod,
  Direction,
  type Purpose,
  type Resolution,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { msOf } from "../api/time.ts";
import { type Device, deviceKey } from "../data/devices.ts";
import { leftOutBy } from "./left-out.ts";

/** What one organization may do, by all of the patient's consents in force for it. */
export interface Permission {
  readonly organization: string;
  readonly reads: readonly ReadTerms[];
  /** Categories of data that it may send. */
  readonly contributes: readonly string[];
  /**
   * Categories of which something is denied to it, now or later: nothing of them is permitted any more, or only a part, or only for a time.
   * What is left out source by source is told by `leftOutOf`.
   */
  readonly denied: readonly string[];
  /** UTC milliseconds: since when any of it is permitted, and when the last of it ends. Undefined: not before it is stopped. */
  readonly since: number;
  readonly until: number | undefined;
  /** In force now or later, the newest first, without those that only leave out a source. */
  readonly consents: readonly Consent[];
}

/** How one kind of data may be read. */
export interface ReadTerms {
  readonly category: string;
  readonly resolution: Resolution;
  readonly purposes: readonly Purpose[];
  /** Which data, by when it was captured; undefined: all. */
  readonly window: Window | undefined;
  /** Organizations and devices whose data alone it is (`deviceId` empty: an organization's, of all devices); empty: everybody's. */
  readonly sources: readonly Device[];
  /** Ways to come about of which alone it is; empty: of any. */
  readonly methods: readonly CaptureMethod[];
  /** What is left out. */
  readonly masks: readonly Mask[];
  /** Only without what tells who the patient is. */
  readonly deIdentified: boolean;
}

export type Window =
  /** Data of the last so many days. */
  { readonly lastDays: number } | { readonly from: number | undefined; readonly to: number | undefined };

/**
 * By organization, those that may read first, then the newest first. Consents that are over are left out, and so are those that only leave
 * out a source: such a one stands beside permissions, before and after there are any.
 */
export function permissionsOf(consents: readonly Consent[]): readonly Permission[] {
  const inForce = consents.filter(isInForce);
  const organizations = [
    ...new Set(inForce.filter((one) => leftOutBy(one) === undefined).map(({ grantee }) => grantee)),
  ];
  return organizations
    .map((organization) =>
      permissionOf(
        organization,
        inForce.filter(({ grantee }) => grantee === organization),
      ),
    )
    .sort((a, b) => Number(b.reads.length > 0) - Number(a.reads.length > 0) || b.since - a.since);
}

/** Whether it permits or denies anything, now or when its validity begins. */
export function isInForce({ state }: Consent): boolean {
  return state === Consent_State.ACTIVE || state === Consent_State.SCHEDULED;
}

/** A provision, and the consent that says how long it holds. */
interface Placed {
  readonly consent: Consent;
  readonly provision: Provision;
}

function permissionOf(organization: string, consents: readonly Consent[]): Permission {
  const placed = consents.flatMap((consent) =>
    consent.provisions.map((provision): Placed => ({ consent, provision })),
  );
  const denials = placed.filter(({ provision }) => provision.effect === Provision_Effect.DENY);
  const permits = placed.filter(({ provision }) => provision.effect === Provision_Effect.PERMIT);
  const permitted = (direction: Direction) =>
    permits
      .filter(({ provision }) => provision.directions.includes(direction))
      .flatMap((permit) => permit.provision.categories.map(({ name }) => ({ permit, category: name })))
      .filter(({ permit, category }) => !isDenied(denials, permit, { category, direction }));
  // How long it is denied anything says nothing of how long it is permitted.
  const giving = [...new Set(permits.map(({ consent }) => consent))];
  const counted = giving.length > 0 ? giving : consents;
  const ends = counted.map(({ validity }) => (validity?.endTime ? msOf(validity.endTime) : undefined));
  return {
    organization,
    reads: distinct(
      permitted(Direction.READ).map(({ permit, category }) => readTerms(category, permit.provision)),
    ),
    contributes: [...new Set(permitted(Direction.CONTRIBUTE).map(({ category }) => category))].sort(),
    denied: [
      ...new Set(
        denials
          .filter(({ consent }) => leftOutBy(consent) === undefined)
          .flatMap(({ provision }) => provision.categories.map(({ name }) => name)),
      ),
    ].sort(),
    since: Math.min(...counted.map(({ createTime }) => msOf(createTime))),
    until: ends.some((end) => end === undefined) ? undefined : Math.max(...ends.map((end) => end ?? 0)),
    consents: consents
      .filter((one) => leftOutBy(one) === undefined)
      .sort((a, b) => msOf(b.createTime) - msOf(a.createTime)),
  };
}

/**
 * Whether a denial takes the whole category away, whatever it is read for, whenever it was captured, of all whose data is permitted, and
 * as long as it is permitted.
 */
function isDenied(
  denials: readonly Placed[],
  permit: Placed,
  { category, direction }: { readonly category: string; readonly direction: Direction },
): boolean {
  return denials.some(
    ({ consent, provision: { directions, categories, purposes, window, sources } }) =>
      directions.includes(direction) &&
      categories.some(({ name }) => name === category) &&
      purposes.length === 0 &&
      window.case === undefined &&
      (sources === undefined || isOf(permit.provision, sources)) &&
      holdsAsLongAs(consent, permit.consent),
  );
}

/** Whether a permission is for the data of some of these sources alone. */
function isOf({ sources }: Provision, { organizations, devices, methods }: SourceSelector): boolean {
  if (sources === undefined) return false;
  const keys = devices.map(deviceKey);
  const ofWays =
    methods.length === 0 ||
    (sources.methods.length > 0 && sources.methods.every((one) => methods.includes(one)));
  if (!ofWays || organizations.length + devices.length === 0) return ofWays;
  return (
    sources.organizations.length + sources.devices.length > 0 &&
    sources.organizations.every((one) => organizations.includes(one)) &&
    sources.devices.every((one) => organizations.includes(one.organization) || keys.includes(deviceKey(one)))
  );
}

/** Whether a denial holds at each moment of now and later at which the permission does. The server has said which of them have begun. */
function holdsAsLongAs(denial: Consent, permit: Consent): boolean {
  const begun =
    denial.state === Consent_State.ACTIVE ||
    (permit.state === Consent_State.SCHEDULED && startOf(denial) <= startOf(permit));
  return begun && endOf(denial) >= endOf(permit);
}

/** UTC milliseconds; a consent without a start or an end has always begun, and never ends. */
function startOf({ validity }: Consent): number {
  return validity?.startTime === undefined ? Number.NEGATIVE_INFINITY : msOf(validity.startTime);
}

function endOf({ validity }: Consent): number {
  return validity?.endTime === undefined ? Number.POSITIVE_INFINITY : msOf(validity.endTime);
}

function readTerms(
  category: string,
  { resolution, purposes, window, sources, masks, deIdentification }: Provision,
): ReadTerms {
  return {
    category,
    resolution,
    purposes: [...purposes].sort((a, b) => a - b),
    window: windowOf(window),
    sources: [
      ...(sources?.organizations ?? []).map((organization) => ({ organization, deviceId: "" })),
      ...(sources?.devices ?? []).map(({ organization, deviceId }) => ({ organization, deviceId })),
    ].sort((a, b) => (deviceKey(a) < deviceKey(b) ? -1 : 1)),
    methods: [...(sources?.methods ?? [])].sort((a, b) => a - b),
    masks: [...masks].sort((a, b) => a - b),
    deIdentified: deIdentification !== DeIdentification.UNSPECIFIED,
  };
}

function windowOf(window: Provision["window"]): Window | undefined {
  switch (window.case) {
    case "capturedInLast":
      return { lastDays: Math.max(1, Math.round(Number(window.value.seconds) / 86_400)) };
    case "capturedWithin": {
      const { startTime, endTime } = window.value;
      return { from: startTime && msOf(startTime), to: endTime && msOf(endTime) };
    }
    default:
      return undefined;
  }
}

function distinct(terms: readonly ReadTerms[]): readonly ReadTerms[] {
  const byText = new Map(terms.map((one) => [JSON.stringify(one), one]));
  return [...byText.values()].sort((a, b) => a.category.localeCompare(b.category));
}

/** What permissions to read are for, each once, in their order. */
export function purposesOf(provisions: readonly Provision[]): readonly Purpose[] {
  const permits = provisions.filter(({ effect }) => effect === Provision_Effect.PERMIT);
  return [...new Set(permits.flatMap(({ purposes }) => purposes))];
}

/** Categories that the organization may read, each once. */
export function readCategories({ reads }: Permission): readonly string[] {
  return [...new Set(reads.map(({ category }) => category))];
}

/** Who may read each kind of data: the kinds that most may read first. */
export function byCategory(
  permissions: readonly Permission[],
): readonly { readonly category: string; readonly organizations: readonly string[] }[] {
  const readers = new Map<string, string[]>();
  for (const permission of permissions) {
    for (const category of readCategories(permission)) {
      readers.set(category, [...(readers.get(category) ?? []), permission.organization]);
    }
  }
  return [...readers]
    .map(([category, organizations]) => ({ category, organizations }))
    .sort((a, b) => b.organizations.length - a.organizations.length || a.category.localeCompare(b.category));
}

const soonMs = 30 * 86_400_000;

/** What ends within 30 days, the soonest first. */
export function endingSoon(permissions: readonly Permission[], now: number): readonly Permission[] {
  return permissions
    .filter(({ until }) => until !== undefined && until > now && until - now <= soonMs)
    .sort((a, b) => a.until! - b.until!);
}
