import { invalidField } from "../errors.ts";

/** A time zone from an instant on. */
export interface TimeZonePeriod {
  /** UTC milliseconds; absent: since ever, only in the first. */
  readonly startTime?: number;
  /** IANA name. */
  readonly timeZone: string;
}

const MAX_PERIODS = 200;
const known: ReadonlySet<string> = new Set(Intl.supportedValuesOf("timeZone"));

/** Throws `invalid` naming the field, unless the periods are a history: known zones, strictly ascending. */
export function checkTimeZones(periods: readonly TimeZonePeriod[], field: string): void {
  if (periods.length === 0) throw invalidField(field, "at least one time zone is needed");
  if (periods.length > MAX_PERIODS) throw invalidField(field, `at most ${MAX_PERIODS} periods are kept`);
  let last = Number.NEGATIVE_INFINITY;
  for (const [index, { startTime, timeZone }] of periods.entries()) {
    checkZone(timeZone, `${field}[${index}].time_zone`);
    if (startTime === undefined && index > 0) {
      throw invalidField(`${field}[${index}].start_time`, "only the first period may be without a start");
    }
    if (startTime !== undefined && startTime <= last) {
      throw invalidField(
        `${field}[${index}].start_time`,
        "must be later than the start of the period before",
      );
    }
    last = startTime ?? last;
  }
}

function checkZone(name: string, field: string): void {
  if (known.has(name) || isLinkedName(name)) return;
  throw invalidField(field, "not an IANA time zone, for example Europe/Berlin");
}

/** Names outside the primary list, such as `UTC` and `Asia/Calcutta`; but no offsets such as `+01:00`. */
function isLinkedName(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
