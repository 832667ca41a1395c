import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const css = readFileSync(new URL("../src/tokens.css", import.meta.url), "utf8");
const [light = "", dark = ""] = css.split("@media (prefers-color-scheme: dark)");

function colorsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name!, value!]),
  );
}

/** Relative luminance (WCAG 2.2). */
function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(one: string, other: string): number {
  const [less, more] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (more + 0.05) / (less + 0.05);
}

/** Text on what it stands on, 4.5 : 1; edges of fields and the focus, 3 : 1 (WCAG 2.2, 1.4.3 and 1.4.11). */
const pairs: readonly (readonly [string, string, number])[] = [
  ...["ground", "surface", "sunken", "accent-soft", "danger-soft", "warning-soft", "success-soft"].map(
    (ground) => ["text", ground, 4.5] as const,
  ),
  ...["ground", "surface", "sunken"].map((ground) => ["text-quiet", ground, 4.5] as const),
  ...["ground", "surface", "sunken", "accent-soft"].map((ground) => ["accent", ground, 4.5] as const),
  ["on-accent", "accent", 4.5],
  ["on-accent", "accent-strong", 4.5],
  ["danger", "surface", 4.5],
  ["danger", "danger-soft", 4.5],
  ["warning", "warning-soft", 4.5],
  ["warning", "surface", 4.5],
  ["success", "surface", 4.5],
  ["success", "success-soft", 4.5],
  ["line-strong", "surface", 3],
  ["focus", "surface", 3],
  ["focus", "ground", 3],
];

describe.each([
  ["light", colorsOf(light)],
  ["dark", colorsOf(dark)],
] as const)("%s", (_name, colors) => {
  test.each(pairs)("%s can be read on %s, %d : 1", (front, ground, least) => {
    expect(contrast(colors.get(front)!, colors.get(ground)!)).toBeGreaterThanOrEqual(least);
  });
});

test("dark has every colour that light has", () => {
  expect([...colorsOf(dark).keys()]).toEqual([...colorsOf(light).keys()]);
});
