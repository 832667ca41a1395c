import type { Consent, CurrentConsents, Provision, Terms } from "../src/consent.ts";
import { noConsents } from "../src/consent.ts";
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
