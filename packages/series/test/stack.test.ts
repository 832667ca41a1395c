import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Columns,
  checkColumns,
  coverOf,
  endOfSample,
  mergeCovers,
  type RankedBlock,
  type Stack,
  shownWithin,
  stackBlocks,
} from "../src/index.ts";

/** A block whose values tell which it was, and which of its samples. */
function block(
  times: readonly number[],
  durationMs: Columns["durationMs"],
  value: number,
  ranks: number,
): RankedBlock {
  const columns: Columns = {
    times: Float64Array.from(times),
    offsetMinutes: 0,
    durationMs,
    unit: "/min",
    values: {
      kind: "decimal",
      scale: 0,
      mantissas: Float64Array.from(times, (time) => value * 1_000 + time),
    },
  };
  return { columns, ranks };
}

/** Items of their own ranks, as they arrive. */
const blocks = fc
  .array(
    fc.tuple(
      fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 20 }),
      fc.oneof(
        fc.constantFrom(0, 0, 1, 3, 20),
        fc.array(fc.constantFrom(0, 1, 2, 15), { minLength: 20, maxLength: 20 }),
      ),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((all) =>
    all.map(([times, duration], i) =>
      block(
        times.sort((a, b) => a - b),
        typeof duration === "number" ? duration : Uint32Array.from(duration.slice(0, times.length)),
        i,
        i + 1,
      ),
    ),
  );

/** The same samples as blocks again, layer by layer, each with the rank that it had. */
function unstack(stacks: readonly Stack[], sources: readonly RankedBlock[]): RankedBlock[] {
  const ranks = sources.flatMap(({ columns, ranks: rank }) =>
    Array.from(columns.times, () => rank as number),
  );
  return stacks.flatMap((layers) =>
    layers.map(({ columns, origins }) => ({
      columns,
      ranks: Float64Array.from(origins, (origin) => ranks[origin]!),
    })),
  );
}

/** [time, value] of each sample that is shown among what is left when those of the ranks `gone` were taken away. */
function shownOf(all: readonly RankedBlock[], gone: ReadonlySet<number>) {
  const samples = all.flatMap(({ columns, ranks }) => {
    const { mantissas } = columns.values as { mantissas: Float64Array };
    return Array.from(columns.times, (time, i) => ({
      time,
      end: endOfSample(columns, i),
      value: mantissas[i]!,
      rank: typeof ranks === "number" ? ranks : ranks[i]!,
    })).filter(({ rank }) => !gone.has(rank));
  });
  return samples
    .filter((a) => !samples.some((b) => b.rank > a.rank && b.time < a.end && a.time < b.end))
    .sort((a, b) => a.time - b.time)
    .map(({ time, value }) => [time, value]);
}

describe("stackBlocks", () => {
  test("loses nothing, and its first layers are what is shown of each stack", () => {
    const limits = fc.record({
      samples: fc.integer({ min: 1, max: 30 }),
      spanMs: fc.integer({ min: 0, max: 50 }),
      reachMs: fc.integer({ min: 20, max: 70 }),
    });
    const property = fc.property(blocks, limits, fc.subarray([1, 2, 3, 4, 5, 6]), (all, most, gone) => {
      const stacks = stackBlocks(all, most);
      const again = unstack(stacks, all);
      for (const { columns } of again) checkColumns(columns);
      const sizes = (of: readonly RankedBlock[]) =>
        of.reduce((sum, { columns }) => sum + columns.times.length, 0);
      expect(sizes(again)).toBe(sizes(all));
      expect(shownOf(again, new Set(gone))).toEqual(shownOf(all, new Set(gone)));
      for (const stack of stacks) {
        const [first] = unstack([stack], all);
        expect(shownOf([{ ...first!, ranks: 1 }], new Set())).toEqual(
          shownOf(unstack([stack], all), new Set()),
        );
        const starts = stack.flatMap(({ columns }) => [...columns.times]);
        const start = Math.min(...starts);
        expect(Math.max(...starts) - start).toBeLessThanOrEqual(most.spanMs);
        const ends = stack.flatMap(({ columns }) =>
          Array.from(columns.times, (_, i) => endOfSample(columns, i)),
        );
        if (ends.length > 1) expect(Math.max(...ends) - start).toBeLessThanOrEqual(most.reachMs);
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  test("keeps what is shown also to those who know the first layer and what the others cover", () => {
    const property = fc.property(blocks, (all) => {
      const stacks = unstack(stackBlocks(all, { samples: 1_000, spanMs: 1e9, reachMs: 1e9 }), all);
      const cover = mergeCovers(stacks.map(({ columns, ranks }) => coverOf(columns, ranks)));
      const { columns, ranks } = stacks[0]!;
      const shown = shownWithin(columns, ranks, cover).flatMap(([from, to]) => [
        ...columns.times.subarray(from, to),
      ]);
      expect(shown).toEqual([...columns.times]);
    });
    fc.assert(property, { numRuns: 200 });
  });

  test("leaves no small rest", () => {
    const day = block(
      Array.from({ length: 2_900 }, (_, i) => i),
      0,
      0,
      1,
    );
    const limits = { spanMs: 1e9, reachMs: 1e9 };
    const sizes = stackBlocks([day], { ...limits, samples: 1_000 }).map(
      ([first]) => first!.columns.times.length,
    );
    expect(sizes).toEqual([1_000, 1_000, 900]);
    expect(stackBlocks([day], { ...limits, samples: 2_000 })).toHaveLength(1);
  });
});

/** The times of the first layer of each stack, and how many other layers it has. */
const shapeOf = (stacks: readonly Stack[]) =>
  stacks.map(([first, ...others]) => [[...first!.columns.times], others.length]);
const wide = { samples: 1_000, spanMs: 1e9, reachMs: 1e9 };
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("the limits of a stack", () => {
  test("are just met: a sample that lies at one is in", () => {
    const samples = [block([0, 10, 11], 0, 0, 1)];
    expect(shapeOf(stackBlocks(samples, { ...wide, spanMs: 10 }))).toEqual([
      [[0, 10], 0],
      [[11], 0],
    ]);
    // A sample of 5 ms that begins at 10 ends at 15.
    const long = [block([0, 10], 5, 0, 1)];
    expect(shapeOf(stackBlocks(long, { ...wide, reachMs: 15 }))).toEqual([[[0, 10], 0]]);
    expect(shapeOf(stackBlocks(long, { ...wide, reachMs: 14 }))).toEqual([
      [[0], 0],
      [[10], 0],
    ]);
  });

  test("of samples may be passed by half, so that none is left small, and by no more", () => {
    const sizes = (count: number) =>
      stackBlocks([block(upTo(count), 0, 0, 1)], { ...wide, samples: 10 }).map(
        ([first]) => first!.columns.times.length,
      );
    expect(sizes(10)).toEqual([10]);
    expect(sizes(15)).toEqual([15]);
    expect(sizes(16)).toEqual([10, 6]);
    expect(sizes(25)).toEqual([10, 15]);
    expect(sizes(26)).toEqual([10, 10, 6]);
  });

  test("part no samples of one instant", () => {
    const twice = [block(upTo(20), 0, 1, 1), block(upTo(20), 0, 2, 2)];
    const stacks = stackBlocks(twice, { ...wide, samples: 5 });
    for (const layers of stacks) {
      const [first, second] = layers.map(({ columns }) => [...columns.times]);
      expect(first).toEqual(second);
    }
    expect(stacks.flatMap(([first]) => [...first!.columns.times])).toEqual(upTo(20));
    // Six at a time: the fifth is the first of its instant.
    expect(stacks[0]![0]!.columns.times).toHaveLength(3);
  });
});

describe("what is stacked", () => {
  test("of nothing is nothing", () => {
    expect(stackBlocks([], wide)).toEqual([]);
    expect(stackBlocks([block([], 0, 1, 1)], wide)).toEqual([]);
    expect(shapeOf(stackBlocks([block([], 7, 1, 1), block([3], 0, 2, 2)], wide))).toEqual([[[3], 0]]);
  });

  test("shows of one instant the sample of the highest rank, also where each sample has its own", () => {
    const early = { ...block([1, 2, 3], 0, 1, 0), ranks: Float64Array.of(5, 1, 5) };
    const late = block([1, 2], 0, 2, 3);
    for (const blocks of [
      [early, late],
      [late, early],
    ]) {
      const [[first, second], ...more] = stackBlocks(blocks, wide) as [Stack];
      expect(more).toEqual([]);
      const valuesOf = (columns: Columns) => [...(columns.values as { mantissas: Float64Array }).mantissas];
      expect(valuesOf(first!.columns)).toEqual([1_001, 2_002, 1_003]);
      expect(valuesOf(second!.columns)).toEqual([2_001, 1_002]);
    }
  });

  test("knows of each sample where it came from, among all samples of the blocks in a row", () => {
    const blocks = [block([2, 4], 0, 1, 1), block([], 0, 2, 2), block([1, 2], 0, 3, 3)];
    const [layers] = stackBlocks(blocks, wide);
    expect(layers!.map(({ origins }) => [...origins])).toEqual([[2, 3, 1], [0]]);
  });

  test("lets what is hidden by a later sample's length lie under it", () => {
    const blocks = [block([1, 5, 9], 0, 1, 1), block([4], 3, 2, 2)];
    expect(
      stackBlocks(blocks, wide).map((layers) => layers.map(({ columns }) => [...columns.times])),
    ).toEqual([[[1, 4, 9], [5]]]);
  });
});
