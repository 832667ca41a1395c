import { deflateRawSync, inflateRawSync as inflate } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BLOCK_LIMITS,
  type Columns,
  checkColumns,
  decodeBlock,
  encodeBlock,
  SeriesError,
} from "../src/index.ts";
import { columns } from "./arbitraries.ts";
import { readFitbit } from "./fitbit.ts";

/** What a SeriesError of `code` looks like to `expect(...).toThrow`. */
function failing(code: string) {
  return expect.objectContaining({ name: "SeriesError", code });
}

function decimals(times: number[], mantissas: number[]): Columns {
  return {
    times: Float64Array.from(times),
    offsetMinutes: 120,
    durationMs: 0,
    unit: "Cel",
    values: { kind: "decimal", scale: 1, mantissas: Float64Array.from(mantissas) },
  };
}

describe("round trip", () => {
  test("every kind of columns comes back equal", () => {
    fc.assert(
      fc.property(columns, (original) => {
        expect(decodeBlock(encodeBlock(original))).toEqual(original);
        expect(decodeBlock(encodeBlock(original, false))).toEqual(original);
      }),
      { numRuns: 600 },
    );
  });

  test("encoding a view gives the bytes of a copy, and does not change its input", () => {
    const whole = decimals([1, 2, 3, 4], [10, 20, 30, 40]);
    const view: Columns = {
      ...whole,
      times: whole.times.subarray(1, 3),
      values: { kind: "decimal", scale: 1, mantissas: Float64Array.from([0, 20, 30]).subarray(1) },
    };
    expect(encodeBlock(view)).toEqual(encodeBlock(decimals([2, 3], [20, 30])));
    expect(whole).toEqual(decimals([1, 2, 3, 4], [10, 20, 30, 40]));
  });

  test("a block that lies inside a larger buffer is read", () => {
    const block = encodeBlock(readFitbit("minute-steps-2022484408", "{steps}"));
    const buffer = new Uint8Array(block.length + 20).fill(0xff);
    buffer.set(block, 7);
    expect(decodeBlock(buffer.subarray(7, 7 + block.length))).toEqual(decodeBlock(block));
  });

  test("minus zero comes back as zero in each mode", () => {
    for (const values of [
      [-0, 1],
      [-0, 1, 2, 3],
      [-0, Number.MAX_SAFE_INTEGER],
    ]) {
      const decoded = decodeBlock(
        encodeBlock(
          decimals(
            values.map((_, i) => i),
            values,
          ),
        ),
      );
      expect(decoded).toEqual(
        decimals(
          values.map((_, i) => i),
          [0, ...values.slice(1)],
        ),
      );
    }
  });
});

describe("size", () => {
  test("regular times cost a few bytes, however many", () => {
    const count = 40_000;
    const flat = (n: number) =>
      encodeBlock(
        decimals(
          Array.from({ length: n }, (_, i) => 1_700_000_000_000 + i * 60_000),
          Array.from({ length: n }, () => 70),
        ),
      ).length;
    expect(flat(count)).toBeLessThan(flat(2) + 8);
  });

  // Measured 0.594, 0.594, 0.583, 0.480 and 0.782 bytes a sample.
  test.each([
    ["minute-heart-rate-2022484408", 0.65],
    ["minute-heart-rate-8877689391", 0.65],
    ["minute-steps-2022484408", 0.65],
    ["minute-steps-8877689391", 0.55],
    ["heartrate-seconds-2022484408", 0.85],
  ])("%s takes at most %f bytes a sample", (name, limit) => {
    const month = readFitbit(name, "/min");
    const block = encodeBlock(month);
    expect(block.length / month.times.length).toBeLessThan(limit);
    expect(decodeBlock(block)).toEqual(month);
  });
});

describe("bytes from anywhere", () => {
  /** Opens bytes that may be anything: columns that pass the checks, or the error that is documented. */
  function open(bytes: Uint8Array): "columns" | "refused" {
    try {
      checkColumns(decodeBlock(bytes));
      return "columns";
    } catch (error) {
      if (!(error instanceof SeriesError)) throw error;
      expect(["corrupt_block", "unsupported_version"]).toContain(error.code);
      return "refused";
    }
  }

  test("noise is refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        open(bytes);
        open(Uint8Array.from([1, 0, ...bytes]));
        open(Uint8Array.from([1, 1, ...bytes]));
      }),
      { numRuns: 500 },
    );
  });

  test("a changed byte never does worse than refuse or read other columns", () => {
    fc.assert(
      fc.property(
        columns,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (original, at, flip, inside) => {
          const block = encodeBlock(original);
          // Inside: damage the body itself, past what deflate would notice.
          const target = inside ? unpacked(block) : block;
          target[at % target.length]! ^= flip;
          open(target);
        },
      ),
      { numRuns: 600 },
    );
  });

  test("a cut block is refused", () => {
    fc.assert(
      fc.property(columns, fc.nat(), (original, at) => {
        for (const block of [encodeBlock(original), unpacked(encodeBlock(original))]) {
          expect(open(block.subarray(0, at % block.length))).toBe("refused");
        }
      }),
      { numRuns: 200 },
    );
  });

  test("bytes after the end are refused", () => {
    const body = unpacked(encodeBlock(decimals([1, 2], [3, 4])));
    expect(open(body)).toBe("columns");
    expect(open(Uint8Array.from([...body, 0]))).toBe("refused");
  });

  test("a later version is told from a broken block", () => {
    expect(() => decodeBlock(Uint8Array.of(3, 0, 0))).toThrow(failing("unsupported_version"));
    expect(() => decodeBlock(Uint8Array.of(1, 7, 0))).toThrow(failing("corrupt_block"));
    expect(() => decodeBlock(new Uint8Array(0))).toThrow(failing("corrupt_block"));
  });

  test("claims of a huge size allocate little", () => {
    const most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]; // about 2^46
    const bomb = deflateRawSync(new Uint8Array(60_000_000));
    const before = process.memoryUsage().arrayBuffers;
    let highest = 0;
    for (const bytes of [
      Uint8Array.from([1, 0, ...most]), // samples
      Uint8Array.from([1, 1, ...most, 0]), // length of the body
      Uint8Array.from([1, 1, 0x80, 0x80, 0x04, ...bomb]), // says 64 KiB, unpacks to 60 MB
      Uint8Array.from([1, 0, 1, 0, 0, 0, 1, ...most]), // entries of the dictionary
      Uint8Array.from([1, 0, 1, 0, 0, ...most]), // length of the unit
      Uint8Array.from([1, 0, 0xc0, 0x84, 0x3d, 0, 0, 0, 2, 16, 0, 0, 0, 0, 0]), // 1e6 samples of 16 components
    ]) {
      expect(open(bytes)).toBe("refused");
      highest = Math.max(highest, process.memoryUsage().arrayBuffers - before);
    }
    expect(highest).toBeLessThan(20_000_000);
  });

  test("sums that leave the safe integers are refused", () => {
    const step = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]; // zigzag of 2^52 − 1
    const block = (length: number) =>
      Uint8Array.from([
        1,
        0,
        length,
        0,
        0,
        0,
        0,
        0,
        1,
        length * 2 + 1,
        ...step,
        0,
        2,
        0,
        (length - 1) * 2 + 1,
        2,
      ]);
    expect(open(block(2))).toBe("columns");
    expect(open(block(3))).toBe("refused");
  });

  test("a wrong index is refused, not wrapped", () => {
    const coded: Columns = {
      times: Float64Array.of(0),
      offsetMinutes: 0,
      durationMs: 0,
      unit: "",
      values: { kind: "coded", dictionary: [{ system: "s", code: "c" }], indexes: Uint32Array.of(0) },
    };
    const body = unpacked(encodeBlock(coded));
    const at = body.length - 2;
    const withIndex = (...zigzag: number[]) =>
      Uint8Array.from([...body.subarray(0, at), ...zigzag, body.at(-1)!]);
    expect(open(withIndex(0))).toBe("columns");
    expect(open(withIndex(1))).toBe("refused"); // −1
    expect(open(withIndex(2))).toBe("refused"); // 1
    expect(open(withIndex(0x80, 0x80, 0x80, 0x80, 0x20))).toBe("refused"); // 2^32
  });
});

/** The same block with its body stored as it is. */
function unpacked(block: Uint8Array): Uint8Array {
  if (block[1] === 0) return block.slice();
  let at = 2;
  while (block[at]! >= 0x80) at++;
  return Uint8Array.from([1, 0, ...inflate(block.subarray(at + 1))]);
}

describe("checkColumns", () => {
  const good = decimals([1, 2], [3, 4]);
  const decimal = good.values as Extract<Columns["values"], { kind: "decimal" }>;
  const concept = { system: "s", code: "c" };
  const component = { coding: concept, unit: "mm[Hg]", scale: 0, mantissas: Float64Array.of(1, 2) };
  const cases: [name: string, broken: unknown, code: string, field: string][] = [
    ["lengths that disagree", decimals([1, 2], [3]), "length_mismatch", "values.mantissas"],
    ["equal times", decimals([1, 1], [3, 4]), "times_not_ascending", "times"],
    ["falling times", decimals([2, 1], [3, 4]), "times_not_ascending", "times"],
    ["a time that is NaN", decimals([1, Number.NaN], [3, 4]), "out_of_range", "times"],
    ["an infinite time", decimals([1, Number.POSITIVE_INFINITY], [3, 4]), "out_of_range", "times"],
    ["a time between milliseconds", decimals([1, 1.5], [3, 4]), "out_of_range", "times"],
    ["a time after year 9999", decimals([1, 253_402_300_800_000], [3, 4]), "out_of_range", "times"],
    ["a mantissa that is NaN", decimals([1, 2], [3, Number.NaN]), "out_of_range", "values.mantissas"],
    ["a mantissa with a fraction", decimals([1, 2], [3, 0.5]), "out_of_range", "values.mantissas"],
    ["a mantissa of 2^53", decimals([1, 2], [3, 2 ** 53]), "out_of_range", "values.mantissas"],
    ["a scale of 10", { ...good, values: { ...decimal, scale: 10 } }, "out_of_range", "values.scale"],
    ["a negative scale", { ...good, values: { ...decimal, scale: -1 } }, "out_of_range", "values.scale"],
    ["an offset of 19 hours", { ...good, offsetMinutes: 1_140 }, "out_of_range", "offsetMinutes"],
    ["a negative duration", { ...good, durationMs: -1 }, "out_of_range", "durationMs"],
    ["a duration of 32 days", { ...good, durationMs: 32 * 86_400_000 }, "out_of_range", "durationMs"],
    ["too few durations", { ...good, durationMs: Uint32Array.of(1) }, "length_mismatch", "durationMs"],
    [
      "one long duration",
      { ...good, durationMs: Uint32Array.from(good.times, (_, i) => (i === 1 ? 2_678_400_001 : 0)) },
      "out_of_range",
      "durationMs",
    ],
    ["a lone surrogate", { ...good, unit: "\ud800" }, "text_invalid", "unit"],
    ["a long unit", { ...good, unit: "x".repeat(1_025) }, "text_invalid", "unit"],
    ["an unknown kind", { ...good, values: { kind: "other" } }, "out_of_range", "values.kind"],
    [
      "an index outside the dictionary",
      { ...good, unit: "", values: { kind: "coded", dictionary: [concept], indexes: Uint32Array.of(0, 1) } },
      "out_of_range",
      "values.indexes",
    ],
    [
      "coded values with a unit",
      { ...good, values: { kind: "coded", dictionary: [concept], indexes: Uint32Array.of(0, 0) } },
      "text_invalid",
      "unit",
    ],
    [
      "no component",
      { ...good, unit: "", values: { kind: "components", components: [] } },
      "out_of_range",
      "values.components",
    ],
    [
      "too many components",
      { ...good, unit: "", values: { kind: "components", components: Array(17).fill(component) } },
      "too_large",
      "values.components",
    ],
    [
      "a component of another length",
      {
        ...good,
        unit: "",
        values: {
          kind: "components",
          components: [component, { ...component, mantissas: Float64Array.of(1) }],
        },
      },
      "length_mismatch",
      "values.components[1].mantissas",
    ],
    [
      "too many samples",
      {
        ...good,
        times: new Float64Array(BLOCK_LIMITS.values + 1),
        values: { ...decimal, mantissas: new Float64Array(BLOCK_LIMITS.values + 1) },
      },
      "too_large",
      "times",
    ],
  ];

  test.each(cases)("refuses %s", (_name, broken, code, field) => {
    for (const run of [checkColumns, encodeBlock]) {
      expect(() => run(broken as Columns)).toThrow(
        expect.objectContaining({ name: "SeriesError", code, field }),
      );
    }
  });

  test("names the sample, never its value", () => {
    const secret = 2 ** 53 + 8_880;
    expect(() => checkColumns(decimals([1, 2], [3, secret]))).toThrow(expect.objectContaining({ index: 1 }));
    expect(() => checkColumns(decimals([1, 2], [3, secret]))).not.toThrow(new RegExp(String(secret)));
  });
});
