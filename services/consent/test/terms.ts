import type { Consent, CurrentConsents, Provision, Terms } from "../src/consent.ts";
import { noConsents } from "../src/consent.ts";
import type { Method, SourceDevice, Sources } from "../src/sources.ts";
import type { Categories } from "../src/understanding.ts";

/** Heart in two versions that are known, of which both hold the heart rate and the second one steps, too. */
export const heartRate = "8867-4";
export const steps = "55423-8";

export const categories: Categories = {
  has: (code, name, version) =>
    name === "heart" &&
    ((version === 1 && code === heartRate) || (version === 2 && [heartRate, steps].includes(code))),
  knows: (name, version) => name === "heart" && (version === 1 || version === 2),
};

export const permission: Provision = {
  effect: "permit",
  directions: ["read"],
  categories: [{ name: "heart", version: 1 }],
  purposes: ["treatment"],
  resolution: "hourly",
  captured: {},
  regions: [],
};

export const denial: Provision = {
  effect: "deny",
  directions: ["read"],
  categories: [{ name: "heart", version: 1 }],
  purposes: [],
  captured: {},
  regions: [],
};

export function consentOf(
  provisions: readonly Provision[],
  change: Partial<Terms> = {},
  id = "con_1",
): Consent {
  const terms: Terms = { grantee: "org_clinic", provisions, validity: {}, ...change };
  return { id, terms, version: 1, grantor: { kind: "patient", id: "pat_1" }, createTime: 0 };
}

export function currentOf(...consents: Consent[]): CurrentConsents {
  return { ...noConsents, consents };
}

/** Data by its source; `device`: empty: of none. Without a method it does not say how it came about. */
export interface FromSource extends SourceDevice {
  readonly method?: Method | undefined;
}

/** Whether such data is meant, as enforcers see it. */
export function isFrom(sources: Sources | undefined, { organization, device, method }: FromSource): boolean {
  if (sources === undefined) return true;
  const { onlyMethods, exceptMethods = [] } = sources;
  if (onlyMethods !== undefined && (method === undefined || !onlyMethods.includes(method))) return false;
  if (method !== undefined && exceptMethods.includes(method)) return false;
  const isIt = (one: SourceDevice) => one.organization === organization && one.device === device;
  const { also = [], without = [] } = sources;
  const whole =
    "only" in sources ? sources.only.includes(organization) : !sources.except.includes(organization);
  return !without.some(isIt) && (whole || also.some(isIt));
}
