import type { CaptureMethod } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Formats } from "@wellapi/ui/browser/formats";
import type { Words } from "./en.ts";

export function categoryName({ data }: Words, category: string): string {
  return data.categories[category] ?? category.replaceAll("_", " ");
}

/** All kinds of data that a permission can be about. */
export function allCategories({ data }: Words): readonly string[] {
  return Object.keys(data.categories).filter((category) => category !== "other");
}

/** Of a code; where it is not known here, what its sender calls it. */
export function codeName({ data }: Words, code: string, display = ""): string {
  return data.codes[code] ?? (display === "" ? code : display);
}

/** Names of the codes in the middle of a sentence, each once; at most four. */
export function codesText(words: Words, formats: Formats, codes: readonly string[]): string {
  const names = [...new Set(codes.map((code) => inSentence(codeName(words, code), formats)))];
  if (names.length === 0) return words.home.some;
  if (names.length <= 4) return formats.list(names);
  return formats.list([...names.slice(0, 3), `${formats.number(names.length - 3)}+`]);
}

/** English writes names of data small within a sentence, German never. */
function inSentence(name: string, { language }: Formats): string {
  return language === "en" && !/^[A-Z]{2}/.test(name) ? name.charAt(0).toLowerCase() + name.slice(1) : name;
}

export function categoriesText(words: Words, formats: Formats, categories: readonly string[]): string {
  return formats.list(categories.map((category) => categoryName(words, category)));
}

/** Of which ways to come about alone something is permitted. */
export function methodsText({ data, home }: Words, methods: readonly CaptureMethod[]): string {
  // Either of them: a list with "and" would say that it is all of them at once.
  return home.onlyMethods(methods.map((method) => data.methods[method] ?? data.methods[0]!).join(", "));
}

export function valuesText({ home }: Words, formats: Formats, items: number): string {
  return items === 0 ? home.noValues : home.values(formats.number(items), items === 1);
}
