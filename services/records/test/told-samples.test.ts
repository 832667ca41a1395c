import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LOT_LEVELS } from "../src/lots/lots.ts";
import {
  concatTold,
  createTelling,
  type Difference,
  differencesOf,
  emptyTold,
  isOfLonger,
  keptOf,
  type ShownRun,
  sliceTold,
  type ToldSamples,
  wasToldAgain,
} from "../src/lots/told-samples.ts";

type Row = readonly [time: number, rank: number, lot: number, taker: number, mark: number];

function toldOf(rows: readonly Row[]): ToldSamples {
  const told = emptyTold(rows.length);
  rows.forEach(([time, rank, lot, taker, mark], i) => {
    told.times[i] = time;
    told.ranks[i] = rank;
    told.lots[i] = lot;
    told.takers[i] = taker;
    told.marks[i] = mark;
  });
  return told;
}

function rowsOf({ times, ranks, lots, takers, marks }: ToldSamples): Row[] {
  return Array.from(times, (time, i) => [time, ranks[i]!, lots[i]!, takers[i]!, marks[i]!]);
}

function runOf(...samples: readonly (readonly [time: number, rank: number])[]): ShownRun {
  const times = Float64Array.from(samples, ([time]) => time);
  const ranks = Float64Array.from(samples, ([, rank]) => rank);
  return { times, ranks, components: [] };
}

const fresh = (time: number, rank: number, by: number): Difference => {
  return { kind: "fresh", time, rank, run: 0, at: 0, entry: -1, by };
};
const known = (kind: "gone" | "back", entry: number, by: number, undone?: true): Difference => {
  return { kind, time: 0, rank: 0, run: -1, at: -1, entry, by, ...(undone ? { undone } : {}) };
};
const [HOUR, DAY, MONTH] = [0, 2, 4];

describe("what was told", () => {
  it("is put together from parts and cut by time, with all that is known of each sample", () => {
    const parts = [
      toldOf([
        [0, 1, 7, 0, HOUR],
        [10, 2, 7, 8, DAY],
      ]),
      emptyTold(),
      toldOf([
        [10, 3, 9, 0, MONTH],
        [20, 4, 9, 0, HOUR],
      ]),
    ];
    const whole = concatTold(parts);
    expect(rowsOf(whole)).toEqual(parts.flatMap(rowsOf));
    expect(rowsOf(sliceTold(whole, { from: 10, to: 20 }))).toEqual(rowsOf(whole).slice(1, 3));
    expect(rowsOf(sliceTold(whole, { from: 11, to: 21 }))).toEqual(rowsOf(whole).slice(3));
    // A month that lies wholly before the data, and an interval turned round.
    expect(rowsOf(sliceTold(whole, { from: -20, to: 0 }))).toEqual([]);
    expect(rowsOf(sliceTold(whole, { from: 20, to: 10 }))).toEqual([]);
    // A copy: who settles what is told now changes nothing of what was read.
    whole.takers[0] = 5;
    expect(parts[0]!.takers[0]).toBe(0);
  });

  it("gets what is fresh in order of time, whichever buckets told it", () => {
    const told = toldOf([
      [5, 1, 1, 0, HOUR],
      [30, 2, 1, 0, HOUR],
    ]);
    const telling = createTelling(told);
    telling.settle("hour", fresh(10, 11, 2));
    telling.settle("hour", fresh(30, 12, 2));
    telling.settle("day", fresh(0, 13, 3));
    telling.settle("day", fresh(20, 14, 3));
    telling.settle("month", fresh(40, 15, 4));
    expect(rowsOf(telling.after())).toEqual([
      [0, 13, 3, 0, DAY],
      [5, 1, 1, 0, HOUR],
      [10, 11, 2, 0, HOUR],
      [20, 14, 3, 0, DAY],
      [30, 2, 1, 0, HOUR],
      [30, 12, 2, 0, HOUR],
      [40, 15, 4, 0, MONTH],
    ]);
    expect(rowsOf(told)).toHaveLength(2);
  });

  it("remembers who took a sample back and who told it again, the longest bucket among them, and that it was", () => {
    const told = toldOf([
      [0, 1, 1, 0, HOUR],
      [1, 2, 1, 0, MONTH],
      [2, 3, 1, 5, HOUR],
      [3, 4, 1, 5, DAY],
      [4, 5, 6, 0, DAY + 1],
      [5, 6, 1, 0, HOUR],
    ]);
    const telling = createTelling(told);
    telling.settle("day", known("gone", 0, 9));
    telling.settle("hour", known("gone", 1, 9));
    telling.settle("hour", known("back", 2, 9));
    telling.settle("month", known("back", 3, 9));
    telling.settle("hour", known("gone", 4, 9));
    const after = telling.after();
    expect(rowsOf(after)).toEqual([
      [0, 1, 1, 9, DAY],
      [1, 2, 1, 9, MONTH],
      [2, 3, 9, 0, HOUR + 1],
      [3, 4, 9, 0, MONTH + 1],
      [4, 5, 6, 9, DAY + 1],
      [5, 6, 1, 0, HOUR],
    ]);
    expect([...after.marks].map(wasToldAgain)).toEqual([false, false, true, true, true, false]);
    const longer = LOT_LEVELS.map((level) => [...after.marks].map((mark) => isOfLonger(mark, level)));
    expect(longer).toEqual([
      [true, true, false, true, true, false],
      [false, true, false, true, false, false],
      [false, false, false, false, false, false],
    ]);
    expect(told.takers[0]).toBe(0);
  });

  it("of a lot that is undone is never told again, and what that lot had taken stands as it stood", () => {
    const telling = createTelling(
      toldOf([
        [0, 1, 1, 2, DAY],
        [0, 3, 2, 0, HOUR],
      ]),
    );
    telling.settle("hour", known("back", 0, 4, true));
    telling.settle("hour", known("gone", 1, 4, true));
    const after = telling.after();
    expect(rowsOf(after)).toEqual([
      [0, 1, 1, 0, DAY],
      [0, 3, 2, 4, -1],
    ]);
    // It is shown once more, by chance: as far as anybody is told it does not exist.
    expect([...differencesOf(after, [runOf([0, 1], [0, 3])])]).toEqual([]);
  });

  it("that is shown is kept, unless it was taken back", () => {
    const told = toldOf([
      [0, 1, 1, 0, HOUR],
      [10, 2, 1, 0, HOUR],
      [10, 3, 1, 4, HOUR],
      [10, 4, 1, 0, HOUR],
      [20, 5, 1, 0, HOUR],
      [30, 6, 1, 0, HOUR],
    ]);
    const shown = [runOf([5, 9], [10, 4], [10, 3]), runOf([10, 2], [20, 8], [30, 6], [40, 7])];
    expect([...keptOf(told, shown)]).toEqual([
      { run: 0, at: 1, entry: 3 },
      { run: 1, at: 0, entry: 1 },
      { run: 1, at: 2, entry: 5 },
    ]);
    expect([...keptOf(emptyTold(), shown)]).toEqual([]);
  });

  it("differs from what is shown by exactly what one of them has and the other has not", () => {
    const samples = fc
      .uniqueArray(fc.tuple(fc.nat(6), fc.nat(4)), { selector: ([time, rank]) => `${time} ${rank}` })
      .map((all) => all.sort(([a], [b]) => a - b));
    const property = fc.property(samples, samples, fc.nat(10), fc.func(fc.nat(2)), (was, is, cut, of) => {
      const told = toldOf(was.map(([time, rank], i) => [time, rank, 1, of(i) === 0 ? 2 : 0, HOUR]));
      const shown = [runOf(...is.slice(0, cut)), runOf(...is.slice(cut))];
      const name = ([time, rank]: readonly [number, number]) => `${time} ${rank}`;
      const has = (all: readonly (readonly [number, number])[], one: readonly [number, number]) =>
        all.some((other) => name(other) === name(one));
      const taken = (one: readonly [number, number]) =>
        told.takers[was.findIndex((other) => name(other) === name(one))] !== 0;
      const expected = [
        ...is.filter((one) => !has(was, one)).map((one) => `fresh ${name(one)}`),
        ...is.filter((one) => has(was, one) && taken(one)).map((one) => `back ${name(one)}`),
        ...was.filter((one) => !has(is, one) && !taken(one)).map((one) => `gone ${name(one)}`),
      ];
      const found = [...differencesOf(told, shown)];
      expect(found.map(({ kind, time, rank }) => `${kind} ${time} ${rank}`).sort()).toEqual(expected.sort());
      expect(found.map(({ time }) => time)).toEqual(found.map(({ time }) => time).sort((a, b) => a - b));
      for (const { kind, run, at, entry, time, rank } of found) {
        const there = kind === "gone" ? [-1, -1] : [shown[run]!.times[at], shown[run]!.ranks[at]];
        expect(there).toEqual(kind === "gone" ? [run, at] : [time, rank]);
        const before = kind === "fresh" ? entry : [told.times[entry], told.ranks[entry]];
        expect(before).toEqual(kind === "fresh" ? -1 : [time, rank]);
      }
      const kept = [...keptOf(told, shown)].map(({ entry }) =>
        name([told.times[entry]!, told.ranks[entry]!]),
      );
      expect(kept.sort()).toEqual(
        is
          .filter((one) => has(was, one) && !taken(one))
          .map(name)
          .sort(),
      );
    });
    fc.assert(property, { numRuns: 300 });
  });
});
