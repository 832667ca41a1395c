const minuteMs = 60_000;
/** FHIR's times have an offset of at most 14 hours (FHIR R4, 2.24.0.1). */
const furthestOffset = 14 * 60;

/**
 * FHIR's dateTime of an instant, as the clock of the place showed it. An offset that FHIR cannot write becomes UTC: the instant
 * stays right.
 *
 * @param ms Unix time
 * @param offsetMinutes east of UTC
 */
export function dateTimeOf(ms: number, offsetMinutes: number): string {
  const offset = Math.abs(offsetMinutes) <= furthestOffset ? offsetMinutes : 0;
  const local = new Date(ms + offset * minuteMs).toISOString().slice(0, -1);
  const clock = local.endsWith(".000") ? local.slice(0, -4) : local;
  return `${clock}${zoneOf(offset)}`;
}

function zoneOf(offset: number): string {
  if (offset === 0) return "Z";
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  return `${offset < 0 ? "-" : "+"}${two(hours)}:${two(minutes)}`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** What an observation is about: an instant, or the half-open interval from `ms` on. A Period's `end` is where the interval ends. */
export function effectiveOf(ms: number, durationMs: number, offsetMinutes: number) {
  const start = dateTimeOf(ms, offsetMinutes);
  if (durationMs === 0) return { effectiveDateTime: start };
  return { effectivePeriod: { start, end: dateTimeOf(ms + durationMs, offsetMinutes) } };
}
