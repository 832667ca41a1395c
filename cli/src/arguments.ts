import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Mask } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { CaptureMethod, Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { InvalidArgumentError, Option } from "commander";

type Names<T> = Readonly<Record<string, T>>;

export const directions: Names<Direction> = { contribute: Direction.CONTRIBUTE, read: Direction.READ };

export const purposes: Names<Purpose> = {
  treatment: Purpose.TREATMENT,
  payment: Purpose.PAYMENT,
  operations: Purpose.OPERATIONS,
  research: Purpose.RESEARCH,
  "patient-request": Purpose.PATIENT_REQUEST,
  "public-health": Purpose.PUBLIC_HEALTH,
  emergency: Purpose.EMERGENCY,
  "family-request": Purpose.FAMILY_REQUEST,
};

/** How a value came about, as its sender states it. */
export const methods: Names<CaptureMethod> = {
  sensed: CaptureMethod.SENSED,
  derived: CaptureMethod.DERIVED,
  "self-reported": CaptureMethod.SELF_REPORTED,
  clinician: CaptureMethod.CLINICIAN,
};

/** What is left out of data that is read. */
export const masks: Names<Mask> = { device: Mask.DEVICE, notes: Mask.NOTES, performer: Mask.PERFORMER };

export const resolutions: Names<Resolution> = {
  raw: Resolution.RAW,
  hourly: Resolution.HOURLY,
  daily: Resolution.DAILY,
};

export const bucketSizes: Names<BucketSize> = {
  minute: BucketSize.MINUTE,
  hour: BucketSize.HOUR,
  day: BucketSize.DAY,
  week: BucketSize.WEEK,
  month: BucketSize.MONTH,
};

/** The readable name of an enum value. */
export function nameOf<T>(names: Names<T>, value: T): string {
  return Object.keys(names).find((name) => names[name] === value) ?? "unknown";
}

/**
 * An option that takes one of the names, or several where its flags say so (`--purpose <word...>`). The help lists the names, and the
 * completion of a shell offers them.
 */
export function wordOption<T>(flags: string, description: string, names: Names<T>): Option {
  const parse = oneOf(names);
  const option = new Option(flags, description).choices(Object.keys(names));
  return option.variadic ? option.argParser(several(parse)) : option.argParser(parse);
}

/** Parses one of the names. */
function oneOf<T>(names: Names<T>): (text: string) => T {
  return (text) => {
    const value = Object.hasOwn(names, text) ? names[text] : undefined;
    if (value === undefined) throw new InvalidArgumentError(`use one of ${Object.keys(names).join(", ")}`);
    return value;
  };
}

/** Parses a repeatable option. */
export function several<T>(parse: (text: string) => T): (text: string, before: T[] | undefined) => T[] {
  return (text, before) => [...(before ?? []), ...text.split(",").map(parse)];
}

/** A device as one organization sends its data: `org_...:dev_...`. */
export function sourceDevice(text: string): { readonly organization: string; readonly deviceId: string } {
  const [organization = "", deviceId = "", ...more] = text.split(":");
  if (organization === "" || deviceId === "" || more.length > 0) {
    throw new InvalidArgumentError("use org_...:dev_..., as 'wellapi series list --json' has them");
  }
  return { organization, deviceId };
}

/** An instant: RFC 3339 with a zone, to UTC milliseconds. */
export function instant(text: string): number {
  const ms = Date.parse(text);
  if (!/^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/.test(text) || Number.isNaN(ms)) {
    throw new InvalidArgumentError("use RFC 3339 with a zone, for example 2026-04-12T08:00:00Z");
  }
  return ms;
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** A length of time, in seconds: `90s`, `15m`, `36h`, `30d`. */
export function duration(text: string): number {
  const [, number = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (unit === "") throw new InvalidArgumentError("use a whole number and its unit: 90s, 15m, 36h, 30d");
  return Number(number) * unitSeconds[unit]!;
}

/** A count. */
export function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("use a whole number");
  return Number(text);
}

/** The half-open interval of two optional instants. */
export function interval(from: number | undefined, to: number | undefined) {
  return {
    ...(from === undefined ? {} : { startTime: timestampFromMs(from) }),
    ...(to === undefined ? {} : { endTime: timestampFromMs(to) }),
  };
}

/** `8867-4`, which is LOINC's, or `<system>|<code>`, as FHIR's search writes it. */
export function codingOf(text: string): { system: string; code: string } {
  const bar = text.lastIndexOf("|");
  return { system: text.slice(0, Math.max(0, bar)), code: text.slice(bar + 1) };
}
