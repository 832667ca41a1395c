import { describe, expect, it } from "vitest";
import type { Lot } from "../src/lots/lots.ts";
import { toldParts } from "../src/lots/told-buckets.ts";

const LEAST = 5;
const rate = { coding: null, unit: "/min" };
const blood = (code: string) => ({ coding: { system: "http://loinc.org", code }, unit: "mm[Hg]" });

function lot(
  from: number,
  to: number,
  added: number,
  sums: readonly (number | bigint)[],
  more: Partial<Lot> = {},
): Lot {
  return {
    ...{ id: from + 1, level: "hour", from, to, formats: [rate], added, removed: 0 },
    sums: sums.map((mantissa) => ({ mantissa: BigInt(mantissa), scale: 0 })),
    ...{ left: added, leftSums: [], plain: added, lost: 0, takes: new Map(), tangled: false },
    ...more,
  };
}

function told(lots: readonly Lot[], edges: readonly number[], of?: readonly boolean[]) {
  const buckets = {
    edges: Float64Array.from(edges),
    counted: Float64Array.from(edges),
    released: edges.slice(1).map(() => false),
    told: of ?? edges.slice(1).map(() => true),
  };
  return toldParts(lots, buckets, LEAST).map(({ component, unit, buckets: those }) => ({
    ...(component === null ? {} : { component: component.code }),
    unit,
    buckets: [...those].map(([i, { count, sum }]) => [i, count, sum.mantissa]),
  }));
}

describe("what lots say of buckets", () => {
  it("is in each bucket what the lots within it say together", () => {
    const lots = [lot(0, 10, 6, [60]), lot(0, 20, 5, [50]), lot(10, 20, 7, [70]), lot(20, 30, 8, [80])];
    expect(told(lots, [0, 20, 30])).toEqual([
      {
        unit: "/min",
        buckets: [
          [0, 18, 180n],
          [1, 8, 80n],
        ],
      },
    ]);
  });

  it("has extremes that any sum and conversion can take: zeros, which nobody is told", () => {
    const edges = Float64Array.of(0, 10);
    const buckets = { edges, counted: edges, released: [false], told: [true] };
    const [part] = toldParts([lot(0, 10, 6, [60])], buckets, LEAST);
    const zero = { mantissa: 0, scale: 0 };
    expect(part!.buckets.get(0)).toMatchObject({ min: zero, max: zero });
  });

  it("counts no lot that reaches over an edge, nor one that lies before the first or behind the last", () => {
    const across = lot(15, 25, 9, [1]);
    const before = lot(0, 12, 9, [1]);
    const behind = [lot(30, 40, 9, [1]), lot(40, 50, 9, [1])];
    const within = [lot(10, 20, 6, [60]), lot(20, 30, 5, [50])];
    expect(told([before, within[0]!, across, within[1]!, ...behind], [10, 20, 30])[0]!.buckets).toEqual([
      [0, 6, 60n],
      [1, 5, 50n],
    ]);
    expect(told([before, across, ...behind], [10, 20, 30])).toEqual([]);
  });

  it("says nothing of a bucket that is not told", () => {
    const lots = [lot(0, 10, 6, [60]), lot(10, 20, 7, [70]), lot(20, 30, 8, [80])];
    expect(told(lots, [0, 10, 20, 30], [true, false, true])[0]!.buckets).toEqual([
      [0, 6, 60n],
      [2, 8, 80n],
    ]);
  });

  it("withholds a bucket of fewer samples than are told together, and a unit of which no bucket has enough", () => {
    const kilograms = { coding: null, unit: "kg" };
    const lots = [
      lot(0, 10, 5, [50]),
      lot(0, 10, 4, [4], { formats: [kilograms] }),
      lot(10, 20, 9, [90]),
      lot(10, 20, 0, [-50], { removed: 5 }),
    ];
    expect(told(lots, [0, 10, 20])).toEqual([{ unit: "/min", buckets: [[0, 5, 50n]] }]);
  });

  it("counts what a lot takes back less, and keeps the digits of what was sent with more", () => {
    const lots = [
      lot(0, 10, 12, [120]),
      lot(0, 10, 2, [], { removed: 7, sums: [{ mantissa: -505n, scale: 1 }] }),
    ];
    const [part] = told(lots, [0, 10]);
    expect(part!.buckets).toEqual([[0, 7, 695n]]);
  });

  it("tells components and units apart, each with numbers of its own", () => {
    const lots = [
      lot(0, 10, 6, [720, 480], { formats: [blood("8480-6"), blood("8462-4")] }),
      lot(0, 10, 5, [600, 400], { formats: [blood("8480-6"), blood("8462-4")] }),
      lot(0, 10, 7, [70]),
      lot(0, 10, 8, [5], { formats: [{ coding: null, unit: "Hz" }] }),
    ];
    expect(told(lots, [0, 10])).toEqual([
      { component: "8480-6", unit: "mm[Hg]", buckets: [[0, 11, 1320n]] },
      { component: "8462-4", unit: "mm[Hg]", buckets: [[0, 11, 880n]] },
      { unit: "/min", buckets: [[0, 7, 70n]] },
      { unit: "Hz", buckets: [[0, 8, 5n]] },
    ]);
  });
});
