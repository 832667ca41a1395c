import type { Terminology } from "@wellapi/terminology";
import { parseDocument } from "./document.ts";
import { NormalizeError } from "./errors.ts";
import { createFindings, type Found } from "./findings.ts";
import { judgePoint } from "./judge.ts";
import { createReader } from "./reader.ts";
import { dayOf, isTimeZone } from "./time-zone.ts";
import { vendors } from "./vendors.ts";

export interface VendorDocument {
  /** For example `fitbit`. */
  readonly vendor: string;
  /** As the vendor gave it. */
  readonly bytes: Uint8Array;
  /** IANA zone of times without one; or empty. */
  readonly timeZone: string;
  /** The day that it is about, `2016-04-12`; or empty. */
  readonly date: string;
  /** The person's id at the vendor; or empty, where the document names it. */
  readonly user: string;
}

export interface Normalized extends Found {
  /** The person's id at the vendor. */
  readonly user: string;
}

/**
 * What a vendor's document measured, as series and observations. Pure: the same document gives the same result.
 *
 * @param now UTC milliseconds
 * @throws NormalizeError where nothing of it can be taken
 */
export function normalize(document: VendorDocument, terminology: Terminology, now: number): Normalized {
  const vendor = vendors.find(({ name }) => name === document.vendor);
  if (vendor === undefined) {
    const names = vendors.map(({ name }) => name).join(", ");
    throw wrong("vendor", "VENDOR_UNKNOWN", `is not a vendor that is known here: use ${names}`);
  }
  const { timeZone, date } = document;
  if (timeZone !== "" && !isTimeZone(timeZone)) {
    throw wrong("time_zone", "TIME_ZONE_UNKNOWN", "is no IANA time zone: use one, for example Europe/Berlin");
  }
  if (date !== "" && dayOf(date, "UTC") === "invalid") {
    throw wrong("date", "DATE_INVALID", "is no date that exists: write it as 2026-04-12");
  }
  const findings = createFindings((point) => judgePoint(point, { terminology, now }));
  const { reader, user } = createReader(findings, { timeZone, date }, document.user);
  vendor.read(parseDocument(document.bytes), reader);
  if (user() === "") {
    throw wrong("vendor_user", "VENDOR_USER_REQUIRED", "the document does not name its person: set it");
  }
  return { ...findings.found(), user: user() };
}

function wrong(field: string, reason: string, description: string): NormalizeError {
  return new NormalizeError("request", field, reason, description);
}
