import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addExact, createExactSum, subtractExact } from "../src/lots/exact-sum.ts";

const DIGITS = 9;
/** As a whole number of the smallest digit there is. */
const whole = ({ mantissa, scale }: { mantissa: bigint | number; scale: number }) =>
  BigInt(mantissa) * 10n ** BigInt(DIGITS - scale);

const number = fc.record({
  mantissa: fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -300, max: 300 })),
  scale: fc.nat(DIGITS),
});

describe("an exact sum", () => {
  it("loses no digit, whatever the scales, and beyond what a double holds", () => {
    const property = fc.property(fc.array(fc.array(number, { maxLength: 20 }), { maxLength: 4 }), (parts) => {
      const sum = createExactSum();
      let expected = 0n;
      // What is told in the middle changes nothing of what follows.
      for (const part of parts) {
        for (const one of part) {
          sum.add(one.mantissa, one.scale);
          expected += whole(one);
        }
        expect(whole(sum.value)).toBe(expected);
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("keeps the digits with which the numbers were sent", () => {
    const sum = createExactSum();
    sum.add(70, 0);
    sum.add(705, 1);
    expect(sum.value).toEqual({ mantissa: 1405n, scale: 1 });
    sum.add(1, 0);
    expect(sum.value).toEqual({ mantissa: 1415n, scale: 1 });
    expect(createExactSum().value).toEqual({ mantissa: 0n, scale: 0 });
  });

  it("is exact in the last place next to the largest double that counts by ones", () => {
    const sum = createExactSum();
    for (const mantissa of [Number.MAX_SAFE_INTEGER, 1, 1, 1]) sum.add(mantissa, 0);
    expect(sum.value.mantissa).toBe(BigInt(Number.MAX_SAFE_INTEGER) + 3n);
    for (let i = 0; i < 2; i++) sum.add(-Number.MAX_SAFE_INTEGER, 0);
    expect(sum.value.mantissa).toBe(3n - BigInt(Number.MAX_SAFE_INTEGER));
  });

  it("adds and subtracts decimals of several scales", () => {
    const [a, b] = [
      { mantissa: 15n, scale: 1 },
      { mantissa: 225n, scale: 2 },
    ];
    expect(addExact(a, b)).toEqual({ mantissa: 375n, scale: 2 });
    expect(subtractExact(a, b)).toEqual({ mantissa: -75n, scale: 2 });
    expect(subtractExact(b, a)).toEqual({ mantissa: 75n, scale: 2 });
  });
});
