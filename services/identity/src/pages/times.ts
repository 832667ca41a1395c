import type { Language } from "./language.ts";

/** Who reads a time: their language, and their zone by its IANA name. */
interface Reader {
  readonly language: Language;
  readonly zone: string;
}

/** A day and a time in the reader's zone, which it names, as the reader writes them. */
export function timeText({ language, zone }: Reader, ms: number): string {
  const locale = language === "en" ? "en-GB" : "de-DE";
  const text = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone: zone });
  const named = new Intl.DateTimeFormat(locale, { timeZone: zone, timeZoneName: "short" });
  const name = named.formatToParts(ms).find(({ type }) => type === "timeZoneName")?.value ?? zone;
  return `${text.format(ms)} ${name}`;
}

/** The time zone that a browser names; UTC for what is no name of a zone. An offset is none: it does not change with the season. */
export function zoneOf(name = "UTC"): string {
  if (!/^[A-Za-z][\w/+-]{0,63}$/.test(name)) return "UTC";
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return "UTC";
  }
}
