import type { Json } from "./document.ts";
import { NormalizeError } from "./errors.ts";
import { createFields, type Fields, isObject } from "./fields.ts";
import type { Findings } from "./findings.ts";
import { dayOf, offsetAt, type ResolvedTime, resolveLocalTime, resolveOffsetTime } from "./time-zone.ts";

/** What stands beside the document. */
export interface Beside {
  /** IANA, checked; empty where the request names none. */
  readonly timeZone: string;
  /** `2016-04-12`, checked; empty where the request names none. */
  readonly date: string;
}

/** What a vendor's module reads with. Times that can't be resolved are refused under their path. */
export interface Reader extends Findings, Beside {
  /** The root of the document. @throws NormalizeError where it is no object */
  root(document: Json): Fields;
  fields(value: Json, path: string): Fields | undefined;
  /** A local time, `2016-04-12T08:00:00`. `afterMs`: of the time before it, in a list whose times ascend. */
  local(path: string, text: string, afterMs?: number): ResolvedTime | undefined;
  /** A time with its offset, or a local one. */
  time(path: string, text: string): ResolvedTime | undefined;
  /** An instant in UTC milliseconds, in a zone that the document names, or else the request. */
  instant(path: string, timeMs: number, zone?: string): ResolvedTime | undefined;
  /** A day of a zone that the document names, or else the request. */
  day(
    path: string,
    date: string,
    zone?: string,
  ): (ResolvedTime & { readonly durationMs: number }) | undefined;
  /** The document names whom it is of. The first name counts; an item of another one is refused: false. */
  of(path: string, user: string): boolean;
}

const zoneless = {
  reason: "TIME_ZONE_REQUIRED",
  description:
    "has no time zone: name in the request's time_zone where the person was, for example Europe/Berlin",
};
const wrongTimes = {
  invalid: ["TIME_INVALID", "is no date and time that exists"],
  too_fine: ["TIME_TOO_FINE", "must be whole milliseconds"],
  offset: ["UTC_OFFSET_OUT_OF_RANGE", "its offset is more than 18 hours"],
  skipped: [
    "LOCAL_TIME_SKIPPED",
    "does not exist in the time zone, whose clocks were put forward: check the request's time_zone",
  ],
} as const;

/** @param user by whom the request says that the document is; empty where it does not say */
export function createReader(findings: Findings, beside: Beside, user: string) {
  let named = user;

  function resolved<T extends object>(path: string, time: T | keyof typeof wrongTimes): T | undefined {
    if (typeof time !== "string") return time;
    const [reason, description] = wrongTimes[time as keyof typeof wrongTimes];
    findings.refuse(path, reason, description);
    return undefined;
  }

  function zoneOf(path: string, zone = beside.timeZone): string | undefined {
    if (zone !== "") return zone;
    findings.refuse(path, zoneless.reason, zoneless.description);
    return undefined;
  }

  const local: Reader["local"] = (path, text, afterMs) => {
    const zone = zoneOf(path);
    return zone === undefined ? undefined : resolved(path, resolveLocalTime(text, zone, afterMs));
  };

  const reader: Reader = {
    ...findings,
    ...beside,
    root(document) {
      if (isObject(document)) return createFields(document, "", findings);
      throw new NormalizeError("document", "document", "DOCUMENT_UNKNOWN", "is no JSON object");
    },
    fields(value, path) {
      if (isObject(value)) return createFields(value, path, findings);
      findings.refuse(path, "TYPE_WRONG", "is no object");
      return undefined;
    },
    local,
    time: (path, text) =>
      /(?:[Zz]|[+-]\d{2}:\d{2})$/.test(text)
        ? resolved(path, resolveOffsetTime(text))
        : local(path, text.length === 16 ? `${text}:00` : text),
    instant(path, timeMs, given) {
      const zone = zoneOf(path, given);
      return zone === undefined ? undefined : { timeMs, offsetMinutes: offsetAt(timeMs, zone) };
    },
    day(path, date, given) {
      const zone = zoneOf(path, given);
      return zone === undefined ? undefined : resolved(path, dayOf(date, zone));
    },
    of(path, of) {
      if (named === "") named = of;
      if (named === of) return true;
      findings.refuse(
        path,
        "OTHER_PERSON",
        "is of another person than the document's first item, or than the request's vendor_user",
      );
      return false;
    },
  };
  return { reader, user: () => named };
}
