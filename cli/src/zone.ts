import { Temporal } from "temporal-polyfill";
import { CliError } from "./failure.ts";

/** Resolves local times of one IANA zone. */
export interface Zone {
  /**
   * UTC milliseconds and minutes east of UTC of a local time, or its error. In the hour that winter
   * time repeats, the first instant counts, or the second if the first does not come after `previousMs`.
   */
  resolve(local: string, previousMs: number): { ms: number; offset: number } | string;
  /** Minutes east of UTC at an instant, in UTC milliseconds. */
  offsetAt(ms: number): number;
}

export function createZone(name: string): Zone {
  try {
    Temporal.Now.zonedDateTimeISO(name);
  } catch (cause) {
    throw new CliError("usage", `${name} is no IANA time zone: use one like Europe/Berlin`, { cause });
  }
  return {
    resolve(local, previousMs) {
      const plain = parsed(local);
      if (plain === undefined) return `time ${local} does not exist`;
      const earlier = plain.toZonedDateTime(name, { disambiguation: "earlier" });
      const later = plain.toZonedDateTime(name, { disambiguation: "later" });
      if (!earlier.toPlainDateTime().equals(plain))
        return `time ${local} does not exist in ${name} (summer time began)`;
      const chosen = earlier.epochMilliseconds > previousMs ? earlier : later;
      return { ms: chosen.epochMilliseconds, offset: offsetOf(chosen) };
    },
    offsetAt: (ms) => offsetOf(Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(name)),
  };
}

function parsed(local: string): Temporal.PlainDateTime | undefined {
  try {
    return Temporal.PlainDateTime.from(local);
  } catch {
    return undefined; // 31 February
  }
}

function offsetOf(time: Temporal.ZonedDateTime): number {
  return Math.round(time.offsetNanoseconds / 60e9);
}
