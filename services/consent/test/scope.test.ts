import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Interval } from "../src/consent.ts";
import { type Scope, within, without } from "../src/scope.ts";

const most = 6;
const interval: fc.Arbitrary<Interval> = fc.record(
  { start: fc.integer({ min: 0, max: most }), end: fc.integer({ min: 0, max: most }) },
  { requiredKeys: [] },
);
const scope: fc.Arbitrary<Scope> = fc.record({ validity: interval, captured: interval });

const holds = ({ start = -1, end = most + 1 }: Interval, time: number) => start <= time && time < end;
const covers = ({ validity, captured }: Scope, used: number, taken: number) =>
  holds(validity, used) && holds(captured, taken);
const cells = Array.from({ length: (most + 2) ** 2 }, (_, i) => [
  (i % (most + 2)) - 1,
  Math.floor(i / (most + 2)) - 1,
]) as [number, number][];

/** A side moved out by one, where it does not lie at the end of all times. */
function* larger(one: Scope): Generator<Scope> {
  for (const side of ["validity", "captured"] as const) {
    const { start, end } = one[side];
    if (start !== undefined) yield { ...one, [side]: { ...one[side], start: start - 1 } };
    if (end !== undefined) yield { ...one, [side]: { ...one[side], end: end + 1 } };
  }
}

describe("what is left of scopes", () => {
  it("is what none of them holds, in rectangles that cannot be larger, each once", () => {
    const property = fc.property(fc.array(scope, { maxLength: 4 }), (taken) => {
      const left = without(taken);
      const free = ([used, captured]: [number, number]) => !taken.some((one) => covers(one, used, captured));
      for (const cell of cells) expect(left.some((one) => covers(one, ...cell))).toBe(free(cell));
      for (const one of left) {
        expect(cells.some((cell) => covers(one, ...cell))).toBe(true);
        for (const bigger of larger(one)) {
          expect(cells.filter((cell) => covers(bigger, ...cell)).every(free)).toBe(false);
        }
      }
      expect(new Set(left.map((one) => JSON.stringify(cells.map((cell) => covers(one, ...cell))))).size).toBe(
        left.length,
      );
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it("is cut to a scope without a part that lies in another one", () => {
    const property = fc.property(scope, fc.array(scope, { maxLength: 4 }), (whole, taken) => {
      const parts = within(whole, without(taken));
      for (const cell of cells) {
        const expected = covers(whole, ...cell) && !taken.some((one) => covers(one, ...cell));
        expect(parts.some((one) => covers(one, ...cell))).toBe(expected);
      }
      const held = parts.map((one) => cells.filter((cell) => covers(one, ...cell)));
      for (const [i, mine] of held.entries()) {
        expect(mine.length).toBeGreaterThan(0);
        const elsewhere = held.some((other, j) => i !== j && mine.every((cell) => other.includes(cell)));
        expect(elsewhere).toBe(false);
      }
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});
