import { describe, expect, test } from "vitest";
import { chosenLanguage, wordsOf } from "../../src/pages/language.ts";

describe("the language of a page", () => {
  test.each([
    [undefined, undefined, "en"],
    [undefined, "", "en"],
    [undefined, "de", "de"],
    [undefined, "de-CH,en;q=0.8", "de"],
    [undefined, "fr-FR,fr;q=0.9,en;q=0.5,de;q=0.7", "de"],
    [undefined, "de;q=0, en;q=0.1", "en"],
    [undefined, "fr", "en"],
    [undefined, "*", "en"],
    [undefined, "DE", "de"],
    ["en", "de", "en"],
    ["xx", "de", "de"],
    ["constructor", undefined, "en"],
  ] as const)("chosen %s, accepted %s: %s", (choice, accepted, expected) => {
    expect(chosenLanguage(choice, accepted)).toBe(expected);
  });
});

/** Paths of all texts, with how many values each takes. */
function shapeOf(words: object, path = ""): readonly string[] {
  return Object.entries(words).flatMap(([name, value]) =>
    typeof value === "object"
      ? shapeOf(value, `${path}${name}.`)
      : `${path}${name}${typeof value === "function" ? `(${value.length})` : ""}`,
  );
}

test("both languages say the same things, and leave nothing out", () => {
  expect(shapeOf(wordsOf("de"))).toEqual(shapeOf(wordsOf("en")));
  const empty = (words: object): string[] =>
    Object.entries(words).flatMap(([name, value]) =>
      typeof value === "object" ? empty(value) : value === "" ? [name] : [],
    );
  expect(empty(wordsOf("de"))).toEqual([]);
});
