import { directions, effects, masks, type PinnedCategory, purposes } from "./consent.ts";
import { methods } from "./sources.ts";

/** The categories that are known here. */
export interface Categories {
  /** Whether a code belongs to a version of a category; false for whatever is not known. */
  has(code: string, category: string, version: number): boolean;
  /** Whether there is this version of this category. */
  knows(category: string, version: number): boolean;
}

type Members = Readonly<Record<string, unknown>>;

const members = {
  current: ["consents", "revoked", "closed", "emergency", "freeze", "disputes"],
  freeze: ["time", "changes"],
  emergency: ["open", "refuseTime", "refusals"],
  dispute: ["request", "organization", "category", "captured", "device", "record"],
  open: ["id", "organization", "clinician", "expireTime"],
  consent: ["id", "terms", "version", "grantor", "createTime", "revokeTime"],
  terms: ["grantee", "provisions", "validity", "notice"],
  provision: [
    "effect",
    "directions",
    "categories",
    "purposes",
    "resolution",
    "captured",
    "sources",
    "masks",
    "regions",
    "deIdentification",
  ],
  category: ["name", "version"],
  validity: ["start", "end"],
  captured: ["start", "end", "lastMs"],
  sources: ["organizations", "devices", "methods"],
  device: ["organization", "device"],
} as const;

/**
 * Finds content of a patient's stored consents that is not known here: a newer release, or damage, may have put it
 * there. Undefined where all is known. Only possible restrictions count: a permission for an unknown purpose permits
 * nothing by itself.
 *
 * @returns the path to a member because of which every consent of the patient must be doubted
 */
export function unknownInCurrent(current: object): string | undefined {
  const { emergency, freeze, disputes } = current as Members;
  return (
    unknownMember(current, members.current, "") ??
    (emergency === undefined ? undefined : unknownInEmergency(emergency)) ??
    (freeze === undefined ? undefined : unknownInFreeze(freeze)) ??
    (disputes === undefined ? undefined : firstOf(disputes, "disputes", unknownInDispute))
  );
}

/** What is not known of it might freeze the record. */
function unknownInFreeze(freeze: unknown): string | undefined {
  return isObject(freeze) ? unknownMember(freeze, members.freeze, "freeze.") : "freeze";
}

/** What is not known of it might say of which data it is: that would be told as undisputed. */
function unknownInDispute(dispute: unknown, path: string): string | undefined {
  if (!isObject(dispute)) return path;
  const { category, captured } = dispute;
  if (!isObject(category)) return `${path}.category`;
  return (
    unknownMember(dispute, members.dispute, `${path}.`) ??
    unknownMember(category, members.category, `${path}.category.`) ??
    unknownInInterval(captured, members.validity, `${path}.captured`)
  );
}

/** What is not known of it might be a refusal. */
function unknownInEmergency(emergency: unknown): string | undefined {
  if (!isObject(emergency)) return "emergency";
  return (
    unknownMember(emergency, members.emergency, "emergency.") ??
    firstOf(emergency.open, "emergency.open", (one, at) =>
      isObject(one) ? unknownMember(one, members.open, `${at}.`) : at,
    )
  );
}

/** As `unknownInCurrent`, for one consent: all consents of its grantee must be doubted. */
export function unknownInConsent(consent: unknown, categories: Categories): string | undefined {
  if (!isObject(consent)) return "consent";
  const { terms } = consent;
  if (!isObject(terms)) return "terms";
  return (
    unknownMember(consent, members.consent, "") ??
    unknownMember(terms, members.terms, "terms.") ??
    unknownInInterval(terms.validity, members.validity, "terms.validity") ??
    firstOf(terms.provisions, "terms.provisions", (provision, path) =>
      unknownInProvision(provision, path, categories),
    )
  );
}

function unknownInProvision(provision: unknown, path: string, categories: Categories): string | undefined {
  if (!isObject(provision)) return path;
  const { effect, captured, sources, masks: left } = provision;
  if (!isOneOf(effects, effect)) return `${path}.effect`;
  const lists = ["directions", "categories", "purposes", "regions"].find(
    (name) => !Array.isArray(provision[name]),
  );
  if (lists !== undefined) return `${path}.${lists}`;
  return (
    unknownMember(provision, members.provision, `${path}.`) ??
    unknownInInterval(captured, members.captured, `${path}.captured`) ??
    (sources === undefined ? undefined : unknownInSources(provision, `${path}.sources`)) ??
    (left === undefined ? undefined : unknownInMasks(provision, `${path}.masks`)) ??
    firstOf(provision.categories, `${path}.categories`, (category, at) =>
      isObject(category) ? unknownMember(category, members.category, `${at}.`) : at,
    ) ??
    (effect === "deny" ? unknownInDenial(provision, path, categories) : undefined)
  );
}

/** Sources are of reading alone: who is denied to contribute because of them is not known here. */
function unknownInSources({ directions: stated, sources }: Members, path: string): string | undefined {
  if (!isObject(sources) || (stated as unknown[]).some((one) => one !== "read")) return path;
  return (
    unknownMember(sources, members.sources, `${path}.`) ??
    firstOf(sources.organizations, `${path}.organizations`, unknownInId) ??
    firstOf(sources.devices ?? [], `${path}.devices`, unknownInDevice) ??
    (sources.methods === undefined ? undefined : unknownInMethods(sources.methods, `${path}.methods`)) ??
    ([sources.organizations, sources.devices ?? [], sources.methods ?? []].flat().length > 0
      ? undefined
      : path)
  );
}

/** Of none at all nothing would be denied. */
function unknownInMethods(stated: unknown, path: string): string | undefined {
  if (!Array.isArray(stated) || stated.length === 0) return path;
  return firstOf(stated, path, (one, at) => (isOneOf(methods, one) ? undefined : at));
}

function unknownInDevice(device: unknown, path: string): string | undefined {
  if (!isObject(device)) return path;
  return (
    unknownMember(device, members.device, `${path}.`) ??
    unknownInId(device.organization, `${path}.organization`) ??
    unknownInId(device.device, `${path}.device`)
  );
}

function unknownInId(id: unknown, path: string): string | undefined {
  return typeof id === "string" && id !== "" ? undefined : path;
}

/** What is to be left out is not known here, or of what: so nothing is read by it. */
function unknownInMasks(
  { effect, directions: stated, masks: left, resolution }: Members,
  path: string,
): string | undefined {
  if (effect !== "permit" || (stated as unknown[]).some((one) => one !== "read")) return path;
  // By the hour and by the day data is told device by device.
  const known = resolution === "raw" ? masks : masks.filter((one) => one !== "device");
  return firstOf(left, path, (one, at) => (isOneOf(known, one) ? undefined : at));
}

/** The unknown part of a denial may cover the question. */
function unknownInDenial(denial: Members, path: string, categories: Categories): string | undefined {
  if (denial.resolution !== undefined) return `${path}.resolution`;
  if (denial.deIdentification !== undefined) return `${path}.deIdentification`;
  if ((denial.captured as Members).lastMs !== undefined) return `${path}.captured.lastMs`;
  if ((denial.regions as unknown[]).length > 0) return `${path}.regions`;
  const known = (values: readonly string[]) => (value: unknown, at: string) =>
    isOneOf(values, value) ? undefined : at;
  return (
    firstOf(denial.directions, `${path}.directions`, known(directions)) ??
    firstOf(denial.purposes, `${path}.purposes`, known(purposes)) ??
    firstOf(denial.categories, `${path}.categories`, (category, at) => {
      const { name, version } = category as PinnedCategory;
      return categories.knows(name, version) ? undefined : at;
    })
  );
}

function unknownInInterval(value: unknown, known: readonly string[], path: string): string | undefined {
  if (!isObject(value)) return path;
  const wrong = Object.keys(value).find(
    (name) => !known.includes(name) || (value[name] !== undefined && typeof value[name] !== "number"),
  );
  return wrong === undefined ? undefined : `${path}.${wrong}`;
}

function unknownMember(value: object, known: readonly string[], path: string): string | undefined {
  for (const name in value) if (!known.includes(name)) return `${path}${name}`;
  return undefined;
}

function firstOf(
  values: unknown,
  path: string,
  unknownIn: (value: unknown, path: string) => string | undefined,
): string | undefined {
  if (!Array.isArray(values)) return path;
  for (const [i, value] of values.entries()) {
    const unknown = unknownIn(value, `${path}[${i}]`);
    if (unknown !== undefined) return unknown;
  }
  return undefined;
}

function isOneOf(values: readonly string[], value: unknown): boolean {
  return typeof value === "string" && values.includes(value);
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
