import type { Aggregate } from "@wellapi/series";
import { describe, expect, it } from "vitest";
import { numbersByBucket } from "../src/read/aggregates/aggregation.ts";

const of = (mantissa: number, count = 1): Aggregate => {
  const value = { mantissa, scale: 0 };
  return { count, sum: { mantissa: BigInt(mantissa * count), scale: 0 }, min: value, max: value };
};
const partIn = (unit: string, buckets: Map<number, Aggregate>) => ({ component: null, unit, buckets });

/** Counts who asks for one bucket. */
class Watched extends Map<number, Aggregate> {
  asked = 0;
  override get(bucket: number) {
    this.asked++;
    return super.get(bucket);
  }
  override has(bucket: number) {
    this.asked++;
    return super.has(bucket);
  }
}

describe("numbersByBucket", () => {
  it("joins what was sent in several units, and rounds only what was converted", async () => {
    const kilograms = partIn(
      "kg",
      new Map([
        [2, of(70, 3)],
        [0, of(71)],
      ]),
    );
    const pounds = partIn(
      "[lb_av]",
      new Map([
        [1, of(150)],
        [2, of(160)],
      ]),
    );
    const told = await numbersByBucket([kilograms, pounds], { unit: "kg", digits: 1 });
    expect(told.map(([bucket]) => bucket)).toEqual([0, 1, 2]);
    expect(told[0]![1]).toMatchObject({ count: 1, sum: { mantissa: 71n, scale: 0 } });
    // 150 lb are 68.038… kg, 160 lb 72.574… kg.
    expect(told[1]![1]).toMatchObject({ count: 1, sum: { mantissa: 680n, scale: 1 } });
    expect(told[2]![1]).toMatchObject({
      count: 4,
      sum: { mantissa: 2826n, scale: 1 },
      min: { mantissa: 70, scale: 0 },
      max: { mantissa: 726, scale: 1 },
      mean: { mantissa: 706n, scale: 1 },
    });
  });

  it("converts the mean of several temperatures, not their sum: the zero moves once a sample", async () => {
    const fahrenheit = partIn("[degF]", new Map([[0, of(98, 3)]]));
    const celsius = partIn("Cel", new Map([[0, of(37)]]));
    const alone = await numbersByBucket([fahrenheit], { unit: "Cel", digits: 2 });
    // 98 °F are 36.666… °C, and three of them 110 °C in sum.
    expect(alone[0]![1]).toMatchObject({
      count: 3,
      mean: { mantissa: 3667n, scale: 2 },
      sum: { mantissa: 11000n, scale: 2 },
    });
    const mixed = await numbersByBucket([fahrenheit, celsius], { unit: "Cel", digits: 2 });
    expect(mixed[0]![1]).toMatchObject({ count: 4, mean: { mantissa: 3675n, scale: 2 } });
  });

  it("asks no part for buckets that it does not have, though a sender uses thousands of units", async () => {
    const watched = Array.from({ length: 2_000 }, (_, i) => {
      return new Watched([
        [i, of(60)],
        [i + 2_000, of(61)],
      ]);
    });
    const parts = watched.map((buckets, i) => partIn(`{beats${i}}/min`, buckets));
    expect(await numbersByBucket(parts, { unit: "", digits: 0 })).toHaveLength(4_000);
    expect(watched.reduce((sum, { asked }) => sum + asked, 0)).toBe(0);
  });

  it("tells numbers in the unit wanted as they were sent, and only the mean in the digits asked for", async () => {
    const sent: Aggregate = {
      count: 3,
      sum: { mantissa: 2125n, scale: 1 },
      min: { mantissa: 70, scale: 0 },
      max: { mantissa: 7150, scale: 2 },
    };
    const part = partIn("kg", new Map([[4, sent]]));
    for (const unit of ["", "kg"]) {
      expect(await numbersByBucket([part], { unit, digits: 0 })).toEqual([
        [4, { ...sent, mean: { mantissa: 71n, scale: 0 } }],
      ]);
      // 70.8333…: as many digits as anything is told with.
      expect(await numbersByBucket([part], { unit, digits: undefined })).toEqual([
        [4, { ...sent, mean: { mantissa: 70833333333n, scale: 9 } }],
      ]);
    }
    expect(await numbersByBucket([], { unit: "", digits: 0 })).toEqual([]);
  });

  it("tells a mean without zeros at its end, but with the digits of what was sent", async () => {
    const sum = { mantissa: 28200n, scale: 2 };
    const part = partIn("kg", new Map([[0, { ...of(70, 4), sum }]]));
    const [told] = await numbersByBucket([part], { unit: "", digits: undefined });
    expect(told![1].mean).toEqual({ mantissa: 7050n, scale: 2 });
  });

  it("converts exactly where no digits are asked for: the sum too, without zeros at its end", async () => {
    const value = { mantissa: 986, scale: 1 };
    const sum = { mantissa: 1972n, scale: 1 };
    const part = partIn("[degF]", new Map([[0, { count: 2, sum, min: value, max: value }]]));
    const [told] = await numbersByBucket([part], { unit: "Cel", digits: undefined });
    expect(told).toEqual([
      0,
      {
        count: 2,
        sum: { mantissa: 740n, scale: 1 },
        min: { mantissa: 370, scale: 1 },
        max: { mantissa: 370, scale: 1 },
        mean: { mantissa: 370n, scale: 1 },
      },
    ]);
  });

  it("rounds a joined sum though the part that was sent in the wanted unit comes last", async () => {
    const pounds = partIn("[lb_av]", new Map([[0, of(150)]]));
    const kilograms = partIn("kg", new Map([[0, of(70)]]));
    for (const parts of [
      [pounds, kilograms],
      [kilograms, pounds],
    ]) {
      const [told] = await numbersByBucket(parts, { unit: "kg", digits: 1 });
      // 68.038… kg and 70 kg.
      expect([told![1].sum, told![1].mean]).toEqual([
        { mantissa: 1380n, scale: 1 },
        { mantissa: 690n, scale: 1 },
      ]);
    }
  });

  it("says which digits are too many", async () => {
    const pounds = partIn("[lb_av]", new Map([[0, of(9e12)]]));
    await expect(numbersByBucket([pounds], { unit: "kg", digits: 9 })).rejects.toMatchObject({
      problem: { violations: [{ field: "digits" }] },
    });
  });

  it("lets others have their turn while it converts, and keeps nobody waiting who asks for nothing converted", async () => {
    const pounds = partIn("[lb_av]", new Map(Array.from({ length: 2_000 }, (_, i) => [i, of(150)])));
    let turns = 0;
    let over = false;
    const count = () => {
      turns++;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    await numbersByBucket([pounds], { unit: "kg", digits: 1 });
    // Once in 200 conversions, of which each bucket needs two: of its parts, and of what they are together.
    expect(turns).toBeGreaterThanOrEqual(18);
    expect(turns).toBeLessThanOrEqual(30);
    turns = 0;
    await numbersByBucket([pounds], { unit: "", digits: 1 });
    expect(turns).toBe(0);
    over = true;
  });
});
