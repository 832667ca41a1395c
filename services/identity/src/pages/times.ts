import type { Language } from "./language.ts";

/** A day and a time as the reader writes them, in the zone of the process: a page without a script knows no other. */
export function timeText(language: Language, ms: number): string {
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : "de-DE", {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: "UTC",
    timeZoneName: undefined,
  }).format(ms);
}
