import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { kindOf, kinds } from "../app/data/kinds.ts";

const shipped: {
  readonly sets: readonly { readonly category: string; readonly codes: readonly string[] }[];
} = JSON.parse(
  readFileSync(new URL("../../../packages/terminology/data/categories.json", import.meta.url), "utf8"),
);

test("every code that the exchange ships stands under its category, and no other code is said to be in one", () => {
  const categories = shipped.sets.flatMap(({ category, codes }) => codes.map((code) => [code, category]));
  expect(Object.entries(kinds).map(([code, { category }]) => [code, category])).toEqual(
    expect.arrayContaining(categories),
  );
  expect(new Set(Object.keys(kinds))).toEqual(new Set(categories.map(([code]) => code)));
  for (const code of ["added-by-an-installation", "constructor"]) {
    expect(kindOf(code)).toEqual({ category: undefined, chart: "line", digits: 2 });
  }
});
