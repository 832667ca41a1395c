import { Big } from "big.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { convertDecimal, mantissaBounds, parseDecimal, shippedTerminology } from "../src/index.ts";

const measured = shippedTerminology.codes.flatMap((one) =>
  one.kind === "quantity" ? [one] : one.kind === "components" ? one.components : [],
);
const units: Readonly<Record<string, readonly string[]>> = {
  Cel: ["[degF]", "K"],
  "/min": ["Hz", "/h"],
  kg: ["[lb_av]", "g", "ug"],
  cm: ["[in_i]", "m"],
  m: ["km", "[mi_i]"],
  min: ["s", "h"],
};

describe("plausible ranges as mantissas", () => {
  test("hold a value if and only if its conversion lies in the range", () => {
    const place = fc.constantFrom(...measured).chain((code) =>
      fc.record({
        code: fc.constant(code),
        unit: fc.constantFrom(code.unit, ...(units[code.unit] ?? [])),
        scale: fc.integer({ min: 0, max: 9 }),
        atHigh: fc.boolean(),
        off: fc.integer({ min: -2, max: 2 }),
      }),
    );
    fc.assert(
      fc.property(place, ({ code, unit, scale, atHigh, off }) => {
        const { low, high } = mantissaBounds(code.plausible, code.unit, unit, scale);
        // Where a bound is beyond the safe integers, the last of these is what is near to it.
        const most = Number.MAX_SAFE_INTEGER;
        const mantissa = Math.max(-most, Math.min(most, (atHigh ? high : low) + off));
        // At nine digits nearly nothing is rounded; what lies that near to a bound is left out.
        const { mantissa: converted } = convertDecimal(
          { mantissa: BigInt(mantissa), scale },
          unit,
          code.unit,
          9,
        );
        const value = new Big(converted.toString()).div(1e9);
        const near = [code.plausible.low, code.plausible.high].some((bound) =>
          value.minus(bound).abs().lte("1e-9"),
        );
        if (near && unit !== code.unit) return;
        const inside = value.gte(code.plausible.low) && value.lte(code.plausible.high);
        expect(mantissa >= low && mantissa <= high).toBe(inside);
      }),
      { numRuns: 2_000 },
    );
  });

  test("leave out what no body has, whatever the unit", () => {
    const heat = shippedTerminology.findCode("8310-5");
    const { low, high } = mantissaBounds((heat as (typeof measured)[0]).plausible, "Cel", "[degF]", 0);
    expect([low, high]).toEqual([50, 118]);
    expect(9e15 > mantissaBounds((heat as (typeof measured)[0]).plausible, "Cel", "Cel", 0).high).toBe(true);
    const beats = shippedTerminology.findCode("8867-4") as (typeof measured)[0];
    expect(-70 < mantissaBounds(beats.plausible, "/min", "/min", 0).low).toBe(true);
  });

  test("no value that is inside is too large to convert", () => {
    for (const { plausible, unit } of measured) {
      for (const bound of [plausible.low, plausible.high]) {
        const decimal = parseDecimal(bound);
        for (const other of units[unit] ?? []) {
          expect(() =>
            convertDecimal(decimal as { mantissa: number; scale: number }, unit, other, 0),
          ).not.toThrow();
        }
      }
    }
  });
});

describe("decimals as people write them", () => {
  test.each(["6e1", "+1", "01", "1.", ".5", "1.0000000001", "", " 1", "1 ", "NaN", "−1", "1,5", "0x1"])(
    "%j is none",
    (text) => {
      expect(parseDecimal(text)).toBe("malformed");
    },
  );

  test("keep their digits", () => {
    expect(parseDecimal("98.60")).toEqual({ mantissa: 9_860, scale: 2 });
    expect(parseDecimal("-0.5")).toEqual({ mantissa: -5, scale: 1 });
    expect(parseDecimal("-0")).toEqual({ mantissa: 0, scale: 0 });
    expect(parseDecimal("9007199.254740991")).toEqual({ mantissa: Number.MAX_SAFE_INTEGER, scale: 9 });
    expect(parseDecimal("9007199.254740992")).toBe("too_large");
    expect(parseDecimal("9007199254740993")).toBe("too_large");
  });
});
