import { pageLanguage } from "@wellapi/http";
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

export function chosenLanguage(choice: string | undefined, accepted: string | undefined): Language {
  return pageLanguage(languages, choice, accepted);
}
