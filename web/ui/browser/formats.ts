/** Times, days and numbers as the reader writes them, in a zone that they chose. */
export interface Formats {
  /** IANA name. */
  readonly zone: string;
  readonly language: "en" | "de";
  /** `27 Nov 2026`. */
  day(ms: number): string;
  /** `27 Nov 2026, 14:03`. */
  moment(ms: number): string;
  /** `14:03`. */
  time(ms: number): string;
  /** `14:03:07`. */
  second(ms: number): string;
  /** `2026-11-27`: of which day it is. */
  dayKey(ms: number): string;
  /** `today`, `yesterday`, or the day with its weekday. */
  nearDay(ms: number, now: number): string;
  /** Of a whole or a broken number, with at most `digits` digits after the point. */
  number(value: number, digits?: number): string;
  /** `heart, sleep and weight`. */
  list(items: readonly string[]): string;
}

const dayMs = 86_400_000;

export function createFormats(language: "en" | "de", zone: string): Formats {
  const locale = language === "en" ? "en-GB" : "de-DE";
  const dates = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
  const day = dates({ dateStyle: "medium" });
  const weekday = dates({ weekday: "long", day: "numeric", month: "long" });
  const moment = dates({ dateStyle: "medium", timeStyle: "short" });
  const time = dates({ timeStyle: "short" });
  const second = dates({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const key = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  const near = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const list = new Intl.ListFormat(locale, { type: "conjunction" });
  const numbers = new Map<number, Intl.NumberFormat>();
  const dayKey = (ms: number): string => key.format(ms);
  return {
    zone,
    language,
    day: (ms) => day.format(ms),
    moment: (ms) => moment.format(ms),
    time: (ms) => time.format(ms),
    second: (ms) => second.format(ms),
    dayKey,
    nearDay(ms, now) {
      const days = Math.round((Date.parse(dayKey(now)) - Date.parse(dayKey(ms))) / dayMs);
      if (days === 0 || days === 1) return near.format(-days, "day");
      return days < 7 && days > 0 ? weekday.format(ms) : day.format(ms);
    },
    number(value, digits = 0) {
      const format = numbers.get(digits) ?? new Intl.NumberFormat(locale, { maximumFractionDigits: digits });
      numbers.set(digits, format);
      return format.format(value);
    },
    list: (items) => list.format(items),
  };
}
