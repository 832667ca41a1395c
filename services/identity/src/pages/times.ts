import type { Language } from "./language.ts";

/** A day and a time in UTC, as the reader writes them: a page without a script does not know their zone. */
export function timeText(language: Language, ms: number): string {
  const locale = language === "en" ? "en-GB" : "de-DE";
  const text = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
  return `${text.format(ms)} UTC`;
}
