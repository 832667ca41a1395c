import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { convertDecimal, convertExactly, convertMantissas, shippedTerminology } from "../src/index.ts";

const { checkUnit } = shippedTerminology;

// ucum-lhc prints what it cannot parse: nothing of it may reach the terminal or a log.
const printed = vi.fn();
beforeEach(() => {
  for (const method of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, method).mockImplementation(printed);
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  expect(printed).not.toHaveBeenCalled();
});

describe("checkUnit", () => {
  test.each([
    ["8867-4", "/min"],
    ["8867-4", "{beats}/min"],
    ["8867-4", "1/min"],
    ["8867-4", "Hz"],
    ["55423-8", "{steps}"],
    ["55423-8", "{step}"],
    ["55423-8", "1"],
    ["41950-7", "/d"],
    ["41950-7", "{steps}/(24.h)"],
    ["29463-7", "[lb_av]"],
    ["29463-7", "g"],
    ["8310-5", "[degF]"],
    ["8310-5", "Cel{oral}"],
    ["8480-6", "kPa"],
    ["59408-5", "1"],
    ["85354-9", ""],
    ["sleep-stage", ""],
  ])("%s takes %s", (code, unit) => {
    expect(checkUnit(code, unit)).toEqual({ status: "ok" });
  });

  test.each([
    ["8867-4", "bpm", "unknown_unit"],
    ["8867-4", "", "unknown_unit"],
    ["8867-4", "/MIN", "unknown_unit"],
    ["8867-4", "beats / min", "unknown_unit"],
    ["8867-4", " /min", "unknown_unit"],
    ["8867-4", "constructor", "unknown_unit"],
    ["8867-4", "__proto__", "unknown_unit"],
    ["8867-4", "min", "wrong_dimension"],
    ["8480-6", "mmHg", "unknown_unit"],
    ["29463-7", "0.kg", "unknown_unit"],
    ["29463-7", "2kg", "unknown_unit"],
    ["29463-7", "cm", "wrong_dimension"],
    ["55423-8", "%", "wrong_dimension"],
    ["2339-0", "mmol/L", "wrong_dimension"],
    ["15074-8", "mg/dL", "wrong_dimension"],
    ["15074-8", "/L", "wrong_dimension"],
    ["59408-5", "[iU]", "unknown_unit"],
    ["59408-5", "dB", "unknown_unit"],
    ["85354-9", "mm[Hg]", "wrong_dimension"],
    ["sleep-stage", "1", "wrong_dimension"],
    ["4548-4", "%", "unknown_code"],
    ["constructor", "1", "unknown_code"],
  ])("%s refuses %s as %s", (code, unit, status) => {
    expect(checkUnit(code, unit)).toMatchObject({ status, remedy: expect.any(String) });
  });

  test("the remedy names the accepted unit, and repeats nothing that was sent", () => {
    expect(checkUnit("8867-4", "bpm")).toEqual({
      status: "unknown_unit",
      remedy: "use `/min` or a UCUM unit that converts to it",
    });
    expect(JSON.stringify(checkUnit("29463-7", "<script>"))).not.toContain("script");
  });

  test("any text gets an answer, in silence, and the same one again", () => {
    const pieces = fc.array(
      fc.constantFrom(
        "kg",
        "m",
        "/",
        ".",
        "{",
        "}",
        "(",
        ")",
        "[degF]",
        "Cel",
        " ",
        "2",
        "0",
        "-1",
        "*",
        "10",
        "é",
        "{x}",
        "\n",
      ),
      { maxLength: 8 },
    );
    const text = fc.oneof(
      fc.string({ maxLength: 80 }),
      pieces.map((parts) => parts.join("")),
    );
    const codes = shippedTerminology.codes.map(({ code }) => code);
    fc.assert(
      fc.property(fc.constantFrom(...codes), text, (code, unit) => {
        const answer = checkUnit(code, unit);
        expect(["ok", "unknown_unit", "wrong_dimension"]).toContain(answer.status);
        expect(checkUnit(code, unit)).toEqual(answer);
      }),
      { numRuns: 1_500 },
    );
  });

  test("what it accepts can be converted", () => {
    const units = [
      "kg",
      "g",
      "[lb_av]",
      "[oz_av]",
      "mg",
      "cm",
      "m",
      "[in_i]",
      "Cel",
      "[degF]",
      "K",
      "mK",
      "mCel",
      "/min",
      "Hz",
      "%",
      "1",
      "kPa",
      "kcal",
      "kJ",
      "mmol/L",
      "[degR]",
    ];
    for (const definition of shippedTerminology.codes) {
      if (definition.kind !== "quantity") continue;
      const accepted = units.filter((unit) => checkUnit(definition.code, unit).status === "ok");
      for (const unit of accepted) {
        expect(() => convertDecimal({ mantissa: 1, scale: 0 }, unit, definition.unit, 3)).not.toThrow();
      }
    }
  });
});

describe("convertDecimal", () => {
  test.each([
    [986, 1, "[degF]", "Cel", 1, 370],
    [9_860, 2, "[degF]", "Cel", 2, 3_700],
    [1_000, 1, "[degF]", "Cel", 4, 377_778],
    [-40, 0, "[degF]", "Cel", 0, -40],
    [370, 1, "Cel", "[degF]", 1, 986],
    [37, 0, "Cel", "K", 2, 31_015],
    [0, 0, "[degF]", "K", 3, 255_372],
    [1, 0, "[lb_av]", "kg", 8, 45_359_237],
    [100, 0, "kg", "[lb_av]", 4, 2_204_623],
    [1, 0, "[in_i]", "cm", 3, 2_540],
    [1, 0, "[mi_i]", "m", 3, 1_609_344],
    [90, 0, "min", "h", 1, 15],
    [72, 0, "{beats}/min", "/min", 0, 72],
    [12, 1, "Hz", "/min", 0, 72],
    [72, 0, "/min", "Hz", 1, 12],
    [120, 0, "mm[Hg]", "kPa", 3, 15_999],
    [16, 0, "kPa", "mm[Hg]", 2, 12_001],
    [500, 0, "kJ", "kcal", 3, 119_503],
    [97, 2, "1", "%", 0, 97],
    [14_400, 0, "/d", "/min", 0, 10],
    // Half to even, once: 12.5 → 12, 13.5 → 14, and −12.5 → −12.
    [125, 1, "kg", "kg", 0, 12],
    [135, 1, "kg", "kg", 0, 14],
    [-125, 1, "kg", "kg", 0, -12],
    [75, 0, "min", "h", 1, 12], // 1.25 h
    [81, 0, "min", "h", 1, 14], // 1.35 h
    [5, 1, "g", "kg", 3, 0], // 0.0005 kg
    [15, 1, "g", "kg", 3, 2],
    [1_27, 0, "mm", "[in_i]", 0, 5],
    [-1, 1, "kg", "kg", 0, 0],
  ])("%i e-%i %s in %s to %i digits", (mantissa, scale, from, to, digits, expected) => {
    expect(convertDecimal({ mantissa, scale }, from, to, digits)).toEqual({
      mantissa: expected,
      scale: digits,
    });
  });

  test("equals exact rational arithmetic with one half-even rounding", () => {
    /** y = (x × n + a) ÷ d in integers: a in hundredths. */
    const exact = [
      { from: "[degF]", to: "Cel", n: 5n, a: -16_000n, d: 9n },
      { from: "Cel", to: "[degF]", n: 9n, a: 16_000n, d: 5n },
      { from: "[lb_av]", to: "kg", n: 45_359_237n, a: 0n, d: 100_000_000n },
      { from: "kg", to: "[lb_av]", n: 100_000_000n, a: 0n, d: 45_359_237n },
      { from: "min", to: "h", n: 1n, a: 0n, d: 60n },
      { from: "[in_i]", to: "cm", n: 254n, a: 0n, d: 100n },
      { from: "mm[Hg]", to: "kPa", n: 133_322n, a: 0n, d: 1_000_000n },
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...exact),
        fc.integer({ min: -1_000_000, max: 1_000_000 }),
        fc.nat(4),
        fc.nat(6),
        ({ from, to, n, a, d }, mantissa, scale, digits) => {
          const numerator = (BigInt(mantissa) * n * 100n + a * 10n ** BigInt(scale)) * 10n ** BigInt(digits);
          const denominator = d * 100n * 10n ** BigInt(scale);
          const result = convertDecimal({ mantissa: BigInt(mantissa), scale }, from, to, digits);
          const twice = (numerator - result.mantissa * denominator) * 2n;
          expect(twice <= denominator && twice >= -denominator).toBe(true);
          const tie = twice === denominator || twice === -denominator;
          expect(!tie || result.mantissa % 2n === 0n).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("a sum of temperatures moves its zero once for each term", () => {
    const each = [986, 1_004, 995].map((mantissa) =>
      convertDecimal({ mantissa, scale: 1 }, "[degF]", "Cel", 6),
    );
    const sum = convertDecimal({ mantissa: 986n + 1_004n + 995n, scale: 1 }, "[degF]", "Cel", 5, 3);
    const total = each.reduce((a, { mantissa }) => a + mantissa, 0);
    expect(Number(sum.mantissa)).toBeCloseTo(total / 10, 0);
    expect(sum).toEqual({ mantissa: 11_250_000n, scale: 5 });
  });

  test("a bigint may be as large as a sum gets", () => {
    const mantissa = 123_456_789_012_345_678_901_234_567_890n;
    expect(convertDecimal({ mantissa, scale: 0 }, "h", "min", 1)).toEqual({
      mantissa: mantissa * 600n,
      scale: 1,
    });
  });

  test.each([
    ["kg", "m", 0, "not_convertible"],
    ["mg/dL", "mmol/L", 0, "not_convertible"],
    ["mK", "Cel", 0, "not_convertible"],
    ["bpm", "/min", 0, "unknown_unit"],
    ["/min", "[pH]", 0, "unknown_unit"],
    ["kg", "kg", 10, "out_of_range"],
    ["kg", "kg", -1, "out_of_range"],
    ["kg", "kg", 0.5, "out_of_range"],
    ["kg", "mg", 9, "out_of_range"],
  ])("%s in %s to %f digits is refused as %s", (from, to, digits, code) => {
    expect(() => convertDecimal({ mantissa: 98_765, scale: 0 }, from, to, digits)).toThrow(
      expect.objectContaining({ name: "TerminologyError", code }),
    );
    expect(() => convertDecimal({ mantissa: 98_765, scale: 0 }, from, to, digits)).not.toThrow(/98765/);
  });
});

test("convertMantissas equals convertDecimal on each", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5_000, max: 5_000 })), (values) => {
      const column = Float64Array.from(values);
      const each = values.map(
        (mantissa) => convertDecimal({ mantissa, scale: 1 }, "[degF]", "Cel", 2).mantissa,
      );
      expect([...convertMantissas(column, 1, "[degF]", "Cel", 2)]).toEqual(each);
      expect([...column]).toEqual(values);
    }),
    { numRuns: 50 },
  );
});

describe("convertExactly", () => {
  const told = (mantissas: number[], scale: number, from: string, to: string) => {
    const { mantissas: converted, scale: digits } = convertExactly(
      Float64Array.from(mantissas),
      scale,
      from,
      to,
    );
    return { mantissas: [...converted], digits };
  };

  test.each([
    ["keeps the digits that were sent", [9860], 2, "[degF]", "Cel", [3700], 2],
    ["adds what the exact result needs, for all", [1, 3], 0, "[lb_av]", "kg", [45359237, 136077711], 8],
    ["rounds what has no end at 9 digits", [100], 0, "[degF]", "Cel", [37777777778], 9],
    ["rounds half to even, below zero too", [-1, 0], 9, "g", "kg", [-0 + 0, 0], 9],
    ["gives no zeros for a whole result", [60], 0, "min", "h", [1], 0],
    [
      "cuts digits where 53 bits are not enough",
      [9_000_000_000_000_001],
      0,
      "[degF]",
      "Cel",
      [4_999_999_999_999_983],
      0,
    ],
    ["takes none for an empty column", [], 3, "g", "kg", [], 3],
  ])("%s", (_name, mantissas, scale, from, to, converted, digits) => {
    expect(told(mantissas, scale, from, to)).toEqual({ mantissas: converted, digits });
  });

  test("is what an exact fraction says", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -2_000_000, max: 2_000_000 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 0, max: 4 }),
        (mantissas, scale) => {
          const { mantissas: converted, digits } = told(mantissas, scale, "[degF]", "Cel");
          const ten = (n: number) => 10n ** BigInt(n);
          let exact = true;
          for (const [i, mantissa] of mantissas.entries()) {
            // (x - 32) * 5 / 9, over 9 * 10^scale
            const numerator = (BigInt(mantissa) - 32n * ten(scale)) * 5n * ten(digits);
            const denominator = 9n * ten(scale);
            const error = BigInt(converted[i]!) * denominator - numerator;
            exact &&= error === 0n;
            expect(2n * (error < 0n ? -error : error) <= denominator).toBe(true);
          }
          // Exact, or as fine as may be; and no digit that nobody needs.
          expect(exact || digits === 9).toBe(true);
          expect(digits === scale || digits === 9 || converted.some((one) => one % 10 !== 0)).toBe(true);
        },
      ),
    );
  });
});
