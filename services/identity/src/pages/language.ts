import { preferencesOf } from "@wellapi/http";
import { de } from "./words/de.ts";
import { en, type Words } from "./words/en.ts";

export const languages = ["en", "de"] as const;
export type Language = (typeof languages)[number];

const words: Readonly<Record<Language, Words>> = { en, de };

export function wordsOf(language: Language): Words {
  return words[language];
}

/** The name of each language in itself. */
export const ownNames: Readonly<Record<Language, string>> = { en: "English", de: "Deutsch" };

export function languageOf(text: string | undefined): Language | undefined {
  return languages.find((one) => one === text);
}

/** What the reader chose, or the first of `accept-language` by weight (RFC 9110, 12.5.4) that there is; English else. */
export function chosenLanguage(choice: string | undefined, accepted: string | undefined): Language {
  return languageOf(choice) ?? acceptedLanguage(accepted) ?? "en";
}

function acceptedLanguage(accepted = ""): Language | undefined {
  return preferencesOf(accepted.slice(0, 200))
    .map((range) => languageOf(range.split("-")[0]))
    .find((one) => one !== undefined);
}
