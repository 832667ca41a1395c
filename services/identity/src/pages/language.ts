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
  const ranges = accepted
    .slice(0, 200)
    .split(",")
    .map((range) => {
      const [tag = "", ...parameters] = range.trim().toLowerCase().split(";");
      const weight = parameters.map((one) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(one)?.[1]).find(Boolean);
      return { primary: tag.split("-")[0], weight: weight === undefined ? 1 : Number(weight) };
    })
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight);
  for (const { primary } of ranges) {
    const found = languageOf(primary);
    if (found !== undefined) return found;
  }
  return undefined;
}
