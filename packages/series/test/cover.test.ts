import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Columns,
  type Cover,
  coverOf,
  coverWithin,
  endOfSample,
  mergeCovers,
  type Ranks,
  reachOf,
  sameCover,
  shownWithin,
} from "../src/index.ts";

interface Ranked {
  readonly columns: Columns;
  readonly ranks: Ranks;
}

/** Columns in which instants, intervals that meet, that overlap and that hold one another are all likely. */
const some: fc.Arbitrary<Ranked> = fc
  .tuple(
    fc.uniqueArray(fc.nat(60), { minLength: 1, maxLength: 14 }),
    fc.oneof(
      fc.constantFrom(0, 1, 2, 5, 40),
      fc
        .array(fc.constantFrom(0, 0, 1, 2, 3, 10, 30), { minLength: 14, maxLength: 14 })
        .map((each) => Uint32Array.from(each)),
    ),
    fc.oneof(
      fc.integer({ min: 1, max: 6 }),
      fc
        .array(fc.integer({ min: 1, max: 6 }), { minLength: 14, maxLength: 14 })
        .map((each) => Float64Array.from(each)),
    ),
  )
  .map(([times, durationMs, ranks]): Ranked => {
    const count = times.length;
    return {
      columns: {
        times: Float64Array.from(times.sort((a, b) => a - b)),
        offsetMinutes: 0,
        durationMs: typeof durationMs === "number" ? durationMs : durationMs.subarray(0, count),
        unit: "/min",
        values: { kind: "decimal", scale: 0, mantissas: new Float64Array(count) },
      },
      ranks: typeof ranks === "number" ? ranks : ranks.subarray(0, count),
    };
  });

/** Blocks of one series: no two have samples of one rank. */
const blocks = fc.array(some, { minLength: 1, maxLength: 6 }).map((all) =>
  all.map(({ columns, ranks }, i): Ranked => {
    return {
      columns,
      ranks: typeof ranks === "number" ? ranks * 10 + i : ranks.map((rank) => rank * 10 + i),
    };
  }),
);

function coverOfAll(all: readonly Ranked[]): Cover {
  return mergeCovers(all.map(({ columns, ranks }) => coverOf(columns, ranks)));
}

/** The rule word for word: whether any sample of a higher rank overlaps it, itself hidden or not. */
function samplesOf(all: readonly Ranked[]) {
  return all.flatMap(({ columns, ranks }, block) =>
    Array.from(columns.times, (start, i) => ({
      block,
      i,
      start,
      duration: typeof columns.durationMs === "number" ? columns.durationMs : columns.durationMs[i]!,
      rank: typeof ranks === "number" ? ranks : ranks[i]!,
    })),
  );
}
type Sample = ReturnType<typeof samplesOf>[number];

function overlap(a: Sample, b: Sample): boolean {
  if (a.duration === 0 && b.duration === 0) return a.start === b.start;
  if (a.duration === 0) return b.start <= a.start && a.start < b.start + b.duration;
  if (b.duration === 0) return a.start <= b.start && b.start < a.start + a.duration;
  return a.start < b.start + b.duration && b.start < a.start + a.duration;
}

describe("a cover", () => {
  test("shows what no sample of a higher rank overlaps", () => {
    fc.assert(
      fc.property(blocks, (all) => {
        const cover = coverOfAll(all);
        const samples = samplesOf(all);
        const expected = samples
          .filter((one) => !samples.some((other) => other.rank > one.rank && overlap(one, other)))
          .map(({ block, i }) => [block, i]);
        const shown = all.flatMap(({ columns, ranks }, block) =>
          shownWithin(columns, ranks, cover).flatMap(([from, to]) =>
            Array.from({ length: to - from }, (_, i) => [block, from + i]),
          ),
        );
        expect(shown).toEqual(expected);
        // In the order of their starts, stretches of several blocks are the samples in theirs.
        const stretches = all.flatMap(({ columns, ranks }) =>
          shownWithin(columns, ranks, cover).map(([from, to]) => [...columns.times.subarray(from, to)]),
        );
        const inOrder = stretches.sort(([a], [b]) => a! - b!).flat();
        expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b));
      }),
      { numRuns: 2_000 },
    );
  });

  test("has at each moment the highest rank of what covers it, in as few steps as can be", () => {
    fc.assert(
      fc.property(blocks, (all) => {
        const { starts, ends, ranks } = coverOfAll(all);
        const samples = samplesOf(all);
        for (let time = -1; time < 110; time++) {
          const here = samples.filter(
            (one) => one.start <= time && time < one.start + Math.max(1, one.duration),
          );
          const step = starts.findIndex((start, i) => start <= time && time < ends[i]!);
          expect(ranks[step] ?? 0).toBe(Math.max(0, ...here.map(({ rank }) => rank)));
        }
        for (let i = 1; i < starts.length; i++) {
          expect(starts[i]!).toBeGreaterThanOrEqual(ends[i - 1]!);
          if (starts[i] === ends[i - 1]) expect(ranks[i]).not.toBe(ranks[i - 1]);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("is the same whatever the order, and a part of it tells the same of what lies within", () => {
    fc.assert(
      fc.property(blocks, fc.nat(60), fc.nat(60), (all, from, length) => {
        const cover = coverOfAll(all);
        expect(sameCover(cover, coverOfAll(all.toReversed()))).toBe(true);
        const part = coverWithin(cover, from, from + length);
        const kept = Array.from(cover.starts.keys()).filter(
          (i) => cover.ends[i]! > from && cover.starts[i]! < from + length,
        );
        expect([...part.ranks]).toEqual(kept.map((i) => cover.ranks[i]));
      }),
      { numRuns: 300 },
    );
  });

  test("of minutes without a gap is one step; of what is sent again it grows no further", () => {
    const minutes: Columns = {
      times: Float64Array.from({ length: 1_440 }, (_, i) => i * 60_000),
      offsetMinutes: 0,
      durationMs: 60_000,
      unit: "/min",
      values: { kind: "decimal", scale: 0, mantissas: new Float64Array(1_440) },
    };
    const covers = [1, 2, 3].map((rank) => coverOf(minutes, rank));
    expect(covers[0]!.starts.length).toBe(1);
    const all = mergeCovers(covers);
    expect([all.starts.length, all.ranks[0], all.ends[0]]).toEqual([1, 3, 86_400_000]);
  });

  test("stays near linear for a month of instants that is sent again and again", () => {
    const count = 40_000;
    const month = (shift: number): Columns => ({
      times: Float64Array.from({ length: count }, (_, i) => i * 2 + shift),
      offsetMinutes: 0,
      durationMs: 0,
      unit: "/min",
      values: { kind: "decimal", scale: 0, mantissas: new Float64Array(count) },
    });
    const all = Array.from({ length: 8 }, (_, i) => ({ columns: month(i % 2), ranks: i + 1 }));
    // What grows with the square of the samples does not end within the test's time.
    const cover = coverOfAll(all);
    const shown = all.map(({ columns, ranks }) => shownWithin(columns, ranks, cover).length);
    // Of the last two blocks all is shown; they interleave at every step.
    expect(shown).toEqual([0, 0, 0, 0, 0, 0, count, count]);
  });
});

describe("where samples end", () => {
  test("an instant is the millisecond that it begins, and the reach is the last end, wherever it is", () => {
    const { columns } = {
      columns: {
        times: Float64Array.of(0, 10, 20),
        offsetMinutes: 0,
        durationMs: Uint32Array.of(100, 0, 5),
        unit: "/min",
        values: { kind: "decimal" as const, scale: 0, mantissas: new Float64Array(3) },
      },
    };
    expect([0, 1, 2].map((i) => endOfSample(columns, i))).toEqual([100, 11, 25]);
    expect(reachOf(columns)).toBe(100);
    expect(reachOf({ ...columns, durationMs: 0 })).toBe(21);
    expect(reachOf({ ...columns, times: new Float64Array(0), durationMs: 5 })).toBe(Number.NEGATIVE_INFINITY);
  });
});

const instants = (times: readonly number[], durationMs: Columns["durationMs"] = 0): Columns => ({
  times: Float64Array.from(times),
  offsetMinutes: 0,
  durationMs,
  unit: "/min",
  values: { kind: "decimal", scale: 0, mantissas: new Float64Array(times.length) },
});
const stepsOf = ({ starts, ends, ranks }: Cover) =>
  Array.from(starts, (start, i) => [start, ends[i], ranks[i]]);

describe("what a cover holds on to", () => {
  test("is no more than twice what it says", () => {
    const minutes = Array.from({ length: 1_000 }, (_, i) => i * 60);
    // One step of a thousand samples, and of two covers of which one hides the other.
    const whole = coverOf(instants(minutes, 60), 1);
    const hidden = mergeCovers([coverOf(instants([0], 60_000), 2), coverOf(instants(minutes, 30), 1)]);
    for (const cover of [whole, hidden]) {
      expect(stepsOf(cover)).toHaveLength(1);
      for (const part of [cover.starts, cover.ends, cover.ranks]) expect(part.buffer.byteLength).toBe(8);
    }
  });
});

describe("covers", () => {
  test("of nothing cover nothing, and add nothing to others", () => {
    const none = coverOf(instants([]), 1);
    const some = coverOf(instants([1, 3]), 1);
    expect(stepsOf(none)).toEqual([]);
    expect(stepsOf(mergeCovers([]))).toEqual([]);
    expect(mergeCovers([some])).toBe(some);
    for (const merged of [
      mergeCovers([none, some]),
      mergeCovers([some, none]),
      mergeCovers([none, some, none]),
    ])
      expect(stepsOf(merged)).toEqual([
        [1, 2, 1],
        [3, 4, 1],
      ]);
  });

  test("are the same only where all that they say is", () => {
    const cover = coverOf(instants([1, 3, 4], 1), Float64Array.of(1, 1, 2));
    expect(sameCover(cover, coverOf(instants([1, 3, 4], 1), Float64Array.of(1, 1, 2)))).toBe(true);
    for (const other of [
      coverOf(instants([1, 3], 1), 1),
      coverOf(instants([1, 3, 5], 1), Float64Array.of(1, 1, 2)),
      coverOf(instants([1, 3, 4], Uint32Array.of(1, 1, 2)), Float64Array.of(1, 1, 2)),
      coverOf(instants([1, 3, 4], 1), Float64Array.of(1, 1, 3)),
    ]) {
      expect(sameCover(cover, other)).toBe(false);
      expect(sameCover(other, cover)).toBe(false);
    }
  });

  test("show samples in as few stretches as the order of samples allows", () => {
    const minutes = instants([0, 60, 120, 180], 60);
    const other = instants([60], 60);
    const own = coverOf(minutes, 1);
    expect(shownWithin(minutes, 1, own)).toEqual([[0, 4]]);
    // With a gap, but nothing in it.
    const gap = instants([0, 60, 180], 60);
    expect(shownWithin(gap, 1, coverOf(gap, 1))).toEqual([[0, 3]]);
    // One of them is hidden.
    const hiding = mergeCovers([own, coverOf(other, 2)]);
    expect(shownWithin(minutes, 1, hiding)).toEqual([
      [0, 1],
      [2, 4],
    ]);
    // Something else lies between two that are shown.
    const between = mergeCovers([coverOf(gap, 1), coverOf(instants([130], 10), 2)]);
    expect(shownWithin(gap, 1, between)).toEqual([
      [0, 2],
      [2, 3],
    ]);
    // The same with a rank for each sample.
    const each = (count: number) => new Float64Array(count).fill(1);
    expect(shownWithin(minutes, each(4), hiding)).toEqual([
      [0, 1],
      [2, 4],
    ]);
    expect(shownWithin(gap, each(3), between)).toEqual([
      [0, 2],
      [2, 3],
    ]);
    expect(shownWithin(instants([]), 1, own)).toEqual([]);
  });

  test("show samples of before 1970 by the same rule", () => {
    const early = instants([-180, -120, -60, 0], 60);
    const later = coverOf(instants([-120], 60), 2);
    expect(shownWithin(early, 1, mergeCovers([coverOf(early, 1), later]))).toEqual([
      [0, 1],
      [2, 4],
    ]);
  });

  test("are cut to what reaches beyond the one end and begins before the other", () => {
    const cover = coverOf(instants([0, 10, 20], 5), 1);
    expect(stepsOf(coverWithin(cover, 5, 20))).toEqual([[10, 15, 1]]);
    expect(stepsOf(coverWithin(cover, 4, 21))).toHaveLength(3);
    expect(stepsOf(coverWithin(cover, 15, 20))).toEqual([]);
  });
});
