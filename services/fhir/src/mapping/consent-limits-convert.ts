import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import type { FhirObject, FhirValue } from "@wellapi/fhir-r4";
import {
  DeIdentification,
  Mask,
  type Provision,
  Provision_Effect,
  type ProvisionSchema,
  type SourceSelector,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { CaptureMethod, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { ElementReader } from "./element-reader.ts";
import { formatLogicalId, parseLogicalId } from "./logical-id.ts";
import { organizationOf } from "./organization-convert.ts";
import { purposeCoding } from "./purposes.ts";
import { organizationIdOf } from "./source-convert.ts";

/** What a provision limits and FHIR R4 has no element for, as extensions of it, and back. */

const own = "https://wellapi.dev/fhir/StructureDefinition";
const ucum = "http://unitsofmeasure.org";

export const limitUrls = {
  resolution: `${own}/consent-resolution`,
  capturedInLast: `${own}/consent-captured-in-last`,
  mask: `${own}/consent-mask`,
  region: `${own}/consent-region`,
  deIdentification: `${own}/consent-de-identification`,
  sourceOrganization: `${own}/consent-source-organization`,
  sourceDevice: `${own}/consent-source-device`,
  sourceMethod: `${own}/consent-source-method`,
  /** Whether there are any of those above but the resolution: clients from before they were told look for it. */
  further: `${own}/consent-further-limits`,
  /** There is something that cannot be told here: the provision permits less than the resource says. */
  untold: `${own}/consent-untold`,
} as const;

const resolutions: Partial<Record<Resolution, string>> = {
  [Resolution.RAW]: "raw",
  [Resolution.HOURLY]: "hourly",
  [Resolution.DAILY]: "daily",
  [Resolution.COUNT_ONLY]: "count-only",
};
const masks: Partial<Record<Mask, string>> = {
  [Mask.DEVICE]: "device",
  [Mask.NOTES]: "notes",
  [Mask.PERFORMER]: "performer",
};
const methods: Partial<Record<CaptureMethod, string>> = {
  [CaptureMethod.SENSED]: "sensed",
  [CaptureMethod.DERIVED]: "derived",
  [CaptureMethod.SELF_REPORTED]: "self-reported",
  [CaptureMethod.CLINICIAN]: "clinician",
};
const deIdentifications: Partial<Record<DeIdentification, string>> = {
  [DeIdentification.SAFE_HARBOR]: "safe-harbor",
};

/** Lengths in milliseconds, by UCUM; the last one divides every length. */
const units: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, min: 60_000, s: 1_000, ms: 1 };

/** @param patient of the consent, by the reader's own id: devices are named within their record */
export function limitExtensions(provision: Provision, patient: string): readonly FhirObject[] {
  const { resolution, window, regions, deIdentification, sources } = provision;
  const further: FhirObject[] = [
    ...(window.case === "capturedInLast"
      ? [{ url: limitUrls.capturedInLast, valueDuration: lengthOf(durationMs(window.value)) }]
      : []),
    ...codesOf(limitUrls.mask, masks, provision.masks),
    ...regions.map((region) => ({ url: limitUrls.region, valueString: region })),
    ...codesOf(limitUrls.deIdentification, deIdentifications, [deIdentification]),
    ...(sources === undefined ? [] : sourceExtensions(sources, patient)),
  ];
  return [
    ...codesOf(limitUrls.resolution, resolutions, [resolution]),
    ...further,
    ...(further.length > 0 ? [{ url: limitUrls.further, valueBoolean: true }] : []),
    ...(isUntold(provision) ? [{ url: limitUrls.untold, valueBoolean: true }] : []),
  ];
}

function sourceExtensions({ organizations, devices, methods: ways }: SourceSelector, patient: string) {
  return [
    ...organizations.map((organization) => ({
      url: limitUrls.sourceOrganization,
      valueReference: organizationReference(organization),
    })),
    ...devices.map(({ organization, deviceId }) => ({
      url: limitUrls.sourceDevice,
      extension: [
        { url: "organization", valueReference: organizationReference(organization) },
        {
          url: "device",
          valueReference: { reference: `Device/${formatLogicalId({ patient, record: deviceId })}` },
        },
      ],
    })),
    ...codesOf(limitUrls.sourceMethod, methods, ways),
  ];
}

/** Who has to know all of such a provision reads the consent by `GetConsent`. */
function isUntold(provision: Provision): boolean {
  const { effect, resolution, deIdentification, purposes, sources } = provision;
  return (
    effect === Provision_Effect.UNSPECIFIED ||
    (resolution !== 0 && resolutions[resolution] === undefined) ||
    (deIdentification !== 0 && deIdentifications[deIdentification] === undefined) ||
    provision.masks.some((one) => masks[one] === undefined) ||
    purposes.some((one) => purposeCoding(one) === undefined) ||
    (sources?.methods ?? []).some((one) => methods[one] === undefined)
  );
}

function codesOf<T extends number>(
  url: string,
  words: Partial<Record<T, string>>,
  values: readonly T[],
): FhirObject[] {
  return values.flatMap((value) => (words[value] === undefined ? [] : [{ url, valueCode: words[value] }]));
}

function lengthOf(ms: number): FhirObject {
  const [code, unit] = Object.entries(units).find(([, one]) => ms % one === 0)!;
  return { value: ms / unit, system: ucum, code };
}

export function organizationReference(organization: string): FhirObject {
  return { reference: `Organization/${organizationIdOf(organization)}` };
}

/** What is filed, and for whom: references are within one patient's record. */
export interface Filing {
  readonly reader: ElementReader;
  /** `pat_…` */
  readonly patient: string;
  /** Without a slash at its end. */
  readonly base: string;
}

type ProvisionInit = Exclude<MessageInitShape<typeof ProvisionSchema>, Provision>;
type SourcesInit = Exclude<NonNullable<ProvisionInit["sources"]>, SourceSelector>;

/** The inverse of `limitExtensions`. What is none of them is refused: it may be a limit. */
export function limitsOf(value: FhirValue | undefined, at: string, filing: Filing): ProvisionInit {
  const { reader } = filing;
  const found: Found = { masks: [], regions: [], organizations: [], devices: [], methods: [] };
  let isFurther = false;
  for (const [item, place] of reader.list(value, at)) {
    const { url, ...rest } = reader.object(item, place, ["url", ...valueNames]);
    const known = [...Object.entries(readers)].find(([one]) => one === url)?.[1];
    if (known !== undefined) known(found, rest, place, filing);
    else if (url === limitUrls.further) isFurther = true;
    else if (url === limitUrls.untold) {
      reader.refuse(place, "It was told with limits that FHIR cannot say here: grant it by CreateConsent");
    } else reader.refuse(place, "This extension is not known, and may limit what is permitted: leave it out");
  }
  const { resolution, length, deIdentification, organizations, devices, methods: ways } = found;
  const isFrom = organizations.length + devices.length + ways.length > 0;
  const limits = [length, deIdentification, ...found.masks, ...found.regions].filter(
    (one) => one !== undefined,
  );
  if (isFurther && limits.length === 0 && !isFrom) {
    reader.refuse(at, "It says that there are further limits, and names none: grant it by CreateConsent");
  }
  return {
    ...(resolution !== undefined && { resolution }),
    ...(length !== undefined && { window: { case: "capturedInLast", value: durationFromMs(length) } }),
    ...(deIdentification !== undefined && { deIdentification }),
    masks: found.masks,
    regions: found.regions,
    ...(isFrom && { sources: { organizations, devices, methods: ways } }),
  };
}

interface Found {
  resolution?: Resolution;
  /** Milliseconds. */
  length?: number;
  deIdentification?: DeIdentification;
  readonly masks: Mask[];
  readonly regions: string[];
  readonly organizations: string[];
  readonly devices: NonNullable<SourcesInit["devices"]>;
  readonly methods: CaptureMethod[];
}

type Read = (found: Found, value: FhirObject, at: string, filing: Filing) => void;

const valueNames = [
  "valueCode",
  "valueString",
  "valueDuration",
  "valueReference",
  "valueBoolean",
  "extension",
];

const readers: Readonly<Record<string, Read>> = {
  [limitUrls.resolution]: coded(resolutions, (found, value, again) => {
    if (found.resolution !== undefined) again();
    found.resolution = value;
  }),
  [limitUrls.deIdentification]: coded(deIdentifications, (found, value, again) => {
    if (found.deIdentification !== undefined) again();
    found.deIdentification = value;
  }),
  [limitUrls.mask]: coded(masks, (found, value) => found.masks.push(value)),
  [limitUrls.sourceMethod]: coded(methods, (found, value) => found.methods.push(value)),
  [limitUrls.region](found, { valueString }, at, { reader }) {
    const region = reader.text(valueString);
    if (region === "") reader.refuse(at, "It names a region as valueString", "value");
    found.regions.push(region);
  },
  [limitUrls.capturedInLast](found, { valueDuration }, at, { reader }) {
    const names = ["value", "unit", "system", "code"];
    const { value, system, code } = reader.object(valueDuration, `${at}.value`, names);
    const length = Number(value) * (units[reader.text(code)] ?? Number.NaN);
    if (system !== ucum || !Number.isSafeInteger(length) || length < 1 || found.length !== undefined) {
      reader.refuse(at, "It has one length, a whole number of d, h, min, s or ms of UCUM", "value");
      return;
    }
    found.length = length;
  },
  [limitUrls.sourceOrganization](found, { valueReference }, at, filing) {
    found.organizations.push(organizationIn(valueReference, `${at}.value`, filing));
  },
  [limitUrls.sourceDevice](found, { extension }, at, filing) {
    const { reader, patient, base } = filing;
    const parts = reader.list(extension, `${at}.extension`).map(([item, place]) => {
      return [reader.object(item, place, ["url", "valueReference"]), place] as const;
    });
    const [organization, device] = ["organization", "device"].map((name) =>
      parts.find(([{ url }]) => url === name),
    );
    const id = relative(reader.reference(device?.[0].valueReference, at), base, "Device");
    const logical = parseLogicalId(id);
    if (organization === undefined || parts.length !== 2 || logical?.patient !== patient) {
      reader.refuse(at, "It names an organization, and a device of this patient's record", "value");
      return;
    }
    const sender = organizationIn(organization[0].valueReference, organization[1], filing);
    found.devices.push({ organization: sender, deviceId: logical.record });
  },
};

function coded<T extends number>(
  words: Partial<Record<T, string>>,
  take: (found: Found, value: T, again: () => void) => void,
): Read {
  const values = new Map(
    Object.entries<string | undefined>(words).map(([value, word]) => [word, Number(value) as T]),
  );
  return (found, { valueCode }, at, { reader }) => {
    const value = values.get(reader.text(valueCode));
    if (value === undefined) {
      reader.refuse(at, `It is one of ${[...values.keys()].join(", ")}, as valueCode`, "value");
      return;
    }
    take(found, value, () => reader.refuse(at, "It stands twice", "value"));
  };
}

/** `org_…`; empty, and refused, where it is no organization of the exchange. */
export function organizationIn(
  value: FhirValue | undefined,
  at: string,
  { reader, base }: Pick<Filing, "reader" | "base">,
): string {
  const organization = organizationOf(relative(reader.reference(value, at), base, "Organization"));
  if (organization === undefined) {
    reader.refuse(at, "It refers to an organization of the exchange: Organization/org-…", "value");
  }
  return organization ?? "";
}

/** The id in a reference of a type, with this server's address before it or without; empty where it is another. */
function relative(reference: string, base: string, type: string): string {
  const short = reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference;
  return short.startsWith(`${type}/`) ? short.slice(type.length + 1) : "";
}
