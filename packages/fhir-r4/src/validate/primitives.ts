import { isCarried } from "../characters.ts";
import { ExactDecimal, type FhirValue } from "../resource.ts";

/**
 * What is wrong with the value of a primitive type (FHIR R4, 2.24.0.1); undefined where nothing is. The texts say what the type
 * wants, and hold nothing that was sent.
 */
export type PrimitiveCheck = (value: FhirValue) => string | undefined;

const greatest = 2_147_483_647;

const mostCharacters = 1024 * 1024;

const year = "(?!0000)[0-9]{4}";
const zone = "(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)";
const clock = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\\.[0-9]+)?";
const day = "(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
const forms = {
  date: new RegExp(`^(${year})(?:-${day}|-(?:0[1-9]|1[0-2]))?$`),
  dateTime: new RegExp(`^(${year})(?:-${day}T${clock}${zone}|-${day}|-(?:0[1-9]|1[0-2]))?$`),
  instant: new RegExp(`^(${year})-${day}T${clock}${zone}$`),
  time: new RegExp(`^${clock}$`),
  withoutZone: new RegExp(`^${year}-${day}T`),
  code: /^\S+(?: \S+)*$/,
  id: /^[A-Za-z0-9.-]{1,64}$/,
  uri: /^\S+$/,
  oid: /^urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$/,
  uuid: /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  base64: /^[A-Za-z0-9+/]*={0,2}$/,
};

const checks: Readonly<Record<string, PrimitiveCheck>> = {
  boolean: (value) => (typeof value === "boolean" ? undefined : "A boolean is true or false, without quotes"),
  integer: whole(-greatest - 1, "A whole number of 32 bits"),
  unsignedInt: whole(0, "A whole number from 0"),
  positiveInt: whole(1, "A whole number from 1"),
  decimal: (value) =>
    value instanceof ExactDecimal || (typeof value === "number" && Number.isFinite(value))
      ? undefined
      : "A number, without quotes",
  string: text(() => undefined),
  markdown: text(() => undefined),
  code: text(form("code", "A code has no space at its ends, and single spaces within")),
  id: text(form("id", "An id has 1 to 64 letters, digits, '-' and '.'")),
  uri: text(form("uri", "A URI has no spaces")),
  url: text(form("uri", "A URL has no spaces")),
  canonical: text(form("uri", "A canonical URL has no spaces")),
  oid: text(form("oid", "An OID has the form urn:oid:1.2.3")),
  uuid: text(
    form("uuid", "A UUID has the form urn:uuid:c757873d-ec9a-4326-a141-556f43239520, in small letters"),
  ),
  base64Binary: text(base64),
  date: text(calendar("date", "A date has the form YYYY, YYYY-MM or YYYY-MM-DD")),
  dateTime: text(
    calendar("dateTime", "A time has the form YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz"),
  ),
  instant: text(calendar("instant", "An instant has the form YYYY-MM-DDThh:mm:ss+zz:zz")),
  time: text(form("time", "A time of the day has the form hh:mm:ss")),
  // The narrative has a check of its own, in the walk.
  xhtml: text(() => undefined),
};

/** The check of a primitive type by its name. */
export function primitiveCheck(type: string): PrimitiveCheck {
  return checks[type]!;
}

function whole(least: number, what: string): PrimitiveCheck {
  return (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= greatest
      ? undefined
      : `${what}, without quotes, point or exponent`;
}

function text(check: (value: string) => string | undefined): PrimitiveCheck {
  return (value) => {
    if (typeof value !== "string") return "A string, in quotes";
    if (value === "") return "A string is not empty: leave the element out";
    if (value.length > mostCharacters) return "A string has at most 1,048,576 characters";
    if (!isCarried(value)) return "A string has no control characters and no half characters";
    return check(value);
  };
}

function form(name: "code" | "id" | "uri" | "oid" | "uuid" | "time", what: string) {
  return (value: string) => (forms[name].test(value) ? undefined : what);
}

function base64(value: string): string | undefined {
  const letters = value.replaceAll(/[ \t\r\n]/g, "");
  return letters.length % 4 === 0 && forms.base64.test(letters)
    ? undefined
    : "Base64 has groups of four letters";
}

function calendar(name: "date" | "dateTime" | "instant", what: string) {
  return (value: string) => {
    const match = forms[name].exec(value);
    if (!match)
      return name !== "date" && forms.withoutZone.test(value) ? `${what}: seconds and zone are needed` : what;
    const [, sentYear, firstMonth, firstDay, secondMonth, secondDay] = match;
    const month = firstMonth ?? secondMonth;
    if (month === undefined) return undefined;
    const dayOfMonth = Number(firstDay ?? secondDay);
    return dayOfMonth <= daysIn(Number(sentYear), Number(month)) ? undefined : "The calendar has no such day";
  };
}

function daysIn(sentYear: number, month: number): number {
  if (month === 2) return (sentYear % 4 === 0 && sentYear % 100 !== 0) || sentYear % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
