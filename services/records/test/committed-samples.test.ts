import type { Columns } from "@wellapi/series";
import { describe, expect, it } from "vitest";
import {
  type CommittedSamples,
  clustersOf,
  firstEndingAfter,
  highestRank,
  partsOf,
  reachingInto,
  sliceSamples,
  startingBefore,
  touches,
} from "../src/blocks/committed-samples.ts";

const source = {
  ...{ organization: "org", application: "app", device: "serial", model: "Band", method: 1, granularity: 1 },
};

function block(times: readonly number[], durationMs: Columns["durationMs"] = 0, rank = 1): CommittedSamples {
  const mantissas = new Float64Array(times.length);
  return {
    source,
    rank,
    columns: {
      ...{ times: Float64Array.from(times), offsetMinutes: 0, durationMs, unit: "/min" },
      values: { kind: "decimal", scale: 0, mantissas },
    },
  };
}

const timesOf = (blocks: readonly CommittedSamples[]) => blocks.map(({ columns }) => [...columns.times]);
/** The same durations, of all samples at once and of each. */
const both = (count: number, durationMs: number) => [
  durationMs,
  Uint32Array.from({ length: count }, () => durationMs),
];

describe("blocks of a series", () => {
  it("belong together where one reaches into the next, and not where they only touch", () => {
    const [long, within, late] = [block([0, 10], 90), block([20]), block([99])];
    const [touching, apart] = [block([100], 5), block([105], 5)];
    const clusters = clustersOf([apart, late, touching, long, within]);
    expect(clusters.map(({ members, from, reach }) => [timesOf(members), from, reach])).toEqual([
      [[[0, 10], [20], [99]], 0, 100],
      [[[100]], 100, 105],
      [[[105]], 105, 110],
    ]);
    expect(clustersOf([])).toEqual([]);
  });

  it("touch a stretch where a sample begins before its end and ends behind its start", () => {
    const one = block([10], 5);
    expect([touches(one, 0, 10), touches(one, 0, 11)]).toEqual([false, true]);
    expect([touches(one, 15, 20), touches(one, 14, 20)]).toEqual([false, true]);
  });
});

describe("a block among others", () => {
  it("is parted into what another reaches into and what none does", () => {
    const own = block([0, 10, 20, 30, 40]);
    const { apart, contested } = partsOf(own, [own, block([15], 10), block([100])]);
    expect([timesOf(apart), timesOf(contested)]).toEqual([
      [
        [0, 10],
        [30, 40],
      ],
      [[20]],
    ]);
    expect(partsOf(own, [own])).toEqual({ apart: [own], contested: [] });
  });

  it("has in neither part a sample twice, nor a part of nothing, where a long sample reaches into several", () => {
    const own = block([0, 200], Uint32Array.of(100, 10));
    const { apart, contested } = partsOf(own, [own, block([10], 10), block([50], 10)]);
    expect([timesOf(apart), timesOf(contested)]).toEqual([[[200]], [[0]]]);
  });

  it("is not reached into where a sample ends as the other begins", () => {
    for (const durationMs of both(3, 10)) {
      const own = block([0, 10, 20], durationMs);
      const { apart, contested } = partsOf(own, [own, block([20])]);
      expect([timesOf(apart), timesOf(contested)]).toEqual([[[0, 10]], [[20]]]);
    }
  });
});

describe("a part of a block", () => {
  it("begins with the first sample that ends behind a moment", () => {
    for (const durationMs of both(3, 5)) {
      const { columns } = block([0, 10, 20], durationMs);
      expect([4, 5, 14, 15].map((limit) => firstEndingAfter(columns, limit))).toEqual([0, 1, 1, 2]);
    }
  });

  it("is the block itself where it is all of it", () => {
    const own = block([0, 10, 20]);
    expect(sliceSamples(own, 0, 21)).toBe(own);
    expect(timesOf([sliceSamples(own, 1, 20)])).toEqual([[10]]);
    expect(startingBefore(own, 21)).toEqual([own]);
    expect(startingBefore(own, 21)[0]).toBe(own);
  });

  it("holds on to nothing behind its end", () => {
    const own = block([0, 10, 20]);
    for (const end of [15, 20]) {
      const [part, ...others] = startingBefore(own, end);
      expect([timesOf([part!]), others]).toEqual([[[0, 10]], []]);
      expect(part!.columns.times.buffer.byteLength).toBe(16);
    }
    expect(startingBefore(own, 0)).toEqual([]);
  });

  it("is what may be shown from a moment on, or hide something before another", () => {
    const own = block([0, 10, 20, 30], 5);
    expect(timesOf(reachingInto(own, 12, 30))).toEqual([[10, 20]]);
    expect(timesOf(reachingInto(own, 15, Number.POSITIVE_INFINITY))).toEqual([[20, 30]]);
    expect(reachingInto(own, 35, Number.POSITIVE_INFINITY)).toEqual([]);
    expect(reachingInto(block([]), 0, 10)).toEqual([]);
  });

  it("has the highest rank of its own samples, which are looked at only where it is not known", () => {
    const unknown = () => {
      throw new Error("the ranks were computed");
    };
    expect(highestRank({ ...block([0, 10]), rank: 7, each: { ranks: unknown, offset: 0 } })).toBe(7);
    const each = { ranks: () => Float64Array.of(9, 3, 5, 4), offset: 0 };
    const whole: CommittedSamples = { ...block([0, 10, 20, 30]), rank: 9, each };
    expect(highestRank(sliceSamples(whole, 10, 40))).toBe(5);
    expect(highestRank(sliceSamples(sliceSamples(whole, 10, 40), 30, 40))).toBe(4);
  });
});
