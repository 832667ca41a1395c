import { isTimeZone } from "@wellapi/normalize/time-zone";

/** The patient's wall clock at an instant. */
export interface LocalTime {
  /** `2026-11-27` */
  readonly day: string;
  /** Minutes after midnight, 0 to 1439. */
  readonly minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** By the IANA zone; UTC where the runtime does not know it. */
export function localTime(time: number, zone: string): LocalTime {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(time)
      .map(({ type, value }) => [type, value]),
  );
  const { year = "", month = "", day = "", hour = "0", minute = "0" } = parts;
  return { day: `${year}-${month}-${day}`, minute: Number(hour) * 60 + Number(minute) };
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const timeZone = isTimeZone(zone) ? zone : "UTC";
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-CA", {
      timeZone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    formats.set(timeZone, format);
  }
  return format;
}
