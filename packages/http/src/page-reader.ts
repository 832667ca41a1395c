import { preferencesOf } from "./preferences.ts";

/** Cookies of pages that more than one surface reads. */
export const pageCookies = {
  /** The language that the reader chose. */
  language: "__Host-wellapi-language",
  /** The patient whose record the pages show. */
  record: "__Host-wellapi-record",
} as const;

/** A year, seconds: how long a chosen language is kept. */
export const languageSeconds = 31_536_000;

/** What the reader chose, or the first of `accept-language` by weight (RFC 9110, 12.5.4) that there is; the first language else. */
export function pageLanguage<L extends string>(
  languages: readonly [L, ...L[]],
  choice: string | undefined,
  accepted = "",
): L {
  const known = (text: string | undefined) => languages.find((one) => one === text);
  const preferred = preferencesOf(accepted.slice(0, 200)).map((range) => known(range.split("-")[0]));
  return known(choice) ?? preferred.find((one) => one !== undefined) ?? languages[0];
}
