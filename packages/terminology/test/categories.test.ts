import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { shippedTerminology } from "../src/index.ts";

const { categories, categoriesOf, codesOf, currentVersion, isCategory, isInCategory } = shippedTerminology;

const golden = JSON.parse(readFileSync(new URL("golden/categories.json", import.meta.url), "utf8")) as Record<
  string,
  Record<string, string[]>
>;

describe("versions that consents may have pinned", () => {
  const pinned = Object.entries(golden).flatMap(([category, versions]) =>
    Object.entries(versions).map(([version, codes]) => [category, Number(version), codes] as const),
  );

  test.each(pinned)("%s version %i is as it was", (category, version, codes) => {
    expect([...codesOf(category, version)].sort()).toEqual([...codes].sort());
  });

  test("every version is pinned", () => {
    const current = categories.flatMap((category) =>
      Array.from({ length: currentVersion(category) }, (_, i) => `${category} ${i + 1}`),
    );
    expect(current.sort()).toEqual(pinned.map(([category, version]) => `${category} ${version}`).sort());
  });

  test("a newer version only widens", () => {
    for (const category of categories) {
      for (let version = 2; version <= currentVersion(category); version++) {
        for (const code of codesOf(category, version - 1)) {
          expect(isInCategory(code, category, version)).toBe(true);
        }
      }
    }
  });
});

test("every accepted code is in a category, and every code of a category is accepted", () => {
  const accepted = shippedTerminology.codes.map(({ code }) => code);
  for (const code of accepted) expect([code, categoriesOf(code).length]).toEqual([code, 1]);
  const listed = categories.flatMap((category) => [...codesOf(category, currentVersion(category))]);
  expect(listed.sort()).toEqual([...accepted].sort());
});

test("the unknown permits nothing", () => {
  expect(isInCategory("8867-4", "heart", 1)).toBe(true);
  for (const version of [0, 2, -1, 1.5, Number.NaN]) {
    expect(isInCategory("8867-4", "heart", version)).toBe(false);
    expect(codesOf("heart", version).size).toBe(0);
  }
  for (const name of ["", "Heart", "constructor", "__proto__"]) {
    expect(isCategory(name)).toBe(false);
    expect(isInCategory("8867-4", name, 1)).toBe(false);
  }
  expect(categoriesOf("4548-4")).toEqual([]);
});
