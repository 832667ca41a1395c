import { describe, expect, it } from "vitest";
import type { Lot } from "../src/lots/lots.ts";
import { concatTold, type ShownRun } from "../src/lots/told-samples.ts";
import { createMonth, DAY, HOUR, MONTH } from "./lots-month.ts";

const LEAST = 3;
type Shown = readonly [time: number, rank: number, value: number];

function run(samples: readonly Shown[], unit = "/min", scale = 0): ShownRun {
  return {
    times: Float64Array.from(samples, ([time]) => time),
    ranks: Float64Array.from(samples, ([, rank]) => rank),
    components: [
      { coding: null, unit, scale, mantissas: Float64Array.from(samples, ([, , value]) => value) },
    ],
  };
}

/** Samples of rank `rank` at these minutes of an hour. */
const of = (hour: number, minutes: readonly number[], rank = 1, value = 10): Shown[] =>
  minutes.map((minute) => [hour * HOUR + minute, rank, value]);

const sumOf = ({ sums }: Lot) => Number(sums[0]!.mantissa) / 10 ** sums[0]!.scale;
const madeOf = (lots: readonly Lot[]) =>
  lots.map((lot) => [lot.level, lot.from / HOUR, lot.to / HOUR, lot.added, 0 - lot.removed, sumOf(lot)]);
const leftOf = (lots: readonly Lot[]) =>
  lots.map(({ id, left, leftSums, plain, lost, tangled }) => [
    ...[id, left, Number(leftSums[0]!.mantissa), plain, lost],
    ...(tangled ? ["tangled"] : []),
  ]);

/** What is told of all that is shown, once all buckets have ended. */
function openMonth(least = LEAST) {
  const month = createMonth(least);
  const tell = async (shown: readonly Shown[], until = MONTH) => {
    const { made, changed } = await month.tellRuns(
      shown.length === 0 ? [] : [run(shown.toSorted(([a], [b]) => a - b))],
      until,
    );
    return { made: madeOf(made), changed: changed.map(({ id }) => id) };
  };
  return { month, tell };
}

describe("a month's release", () => {
  it("tells each hour that has enough, and with the day what was too little for its hours", async () => {
    const { tell } = openMonth();
    const shown = [...of(0, [0, 1, 2]), ...of(1, [0, 1]), ...of(2, [5]), ...of(6, [0, 1, 2, 3])];
    expect((await tell(shown)).made).toEqual([
      ["hour", 0, 1, 3, 0, 30],
      ["hour", 6, 7, 4, 0, 40],
      ["day", 0, 6, 3, 0, 30],
    ]);
    expect(await tell(shown)).toEqual({ made: [], changed: [] });
  });

  it("tells with the month what was too little for its days, and nothing of what is too little for that", async () => {
    const { tell } = openMonth();
    const few = [...of(0, [0]), ...of(7, [0])];
    expect((await tell(few)).made).toEqual([]);
    expect((await tell([...few, ...of(17, [59])])).made).toEqual([["month", 0, 18, 3, 0, 30]]);
  });

  it("tells nothing of buckets that have not ended, and the rest once they have", async () => {
    const { tell } = openMonth();
    const shown = [...of(0, [0, 1, 2]), ...of(1, [0, 1, 2]), ...of(2, [0])];
    expect((await tell(shown, HOUR)).made).toEqual([["hour", 0, 1, 3, 0, 30]]);
    expect((await tell(shown, DAY)).made).toEqual([["hour", 1, 2, 3, 0, 30]]);
    expect((await tell([...shown, ...of(3, [0, 1])])).made).toEqual([["day", 0, 6, 3, 0, 30]]);
  });

  it("tells late samples of an hour apart, once there are enough of them", async () => {
    const { tell } = openMonth();
    const hour = of(0, [0, 1, 2]);
    await tell(hour, HOUR);
    expect((await tell([...hour, ...of(0, [3, 4])], HOUR)).made).toEqual([]);
    expect(await tell([...hour, ...of(0, [3, 4, 5], 1, 7)], HOUR)).toEqual({
      made: [["hour", 0, 1, 3, 0, 21]],
      changed: [],
    });
  });

  it("takes back what others replaced together with what it tells in their place", async () => {
    const { month, tell } = openMonth();
    await tell(of(0, [0, 1, 2, 3, 4, 5]), HOUR);
    const replaced = [...of(0, [0, 1, 2]), ...of(0, [3, 4, 5], 2, 20)];
    expect(await tell(replaced, HOUR)).toEqual({ made: [["hour", 0, 1, 3, -3, 30]], changed: [1] });
    expect(leftOf(month.lots)).toEqual([
      [1, 3, 30, 3, 3],
      [2, 3, 60, 3, 0],
    ]);
    expect([...month.lots[1]!.takes]).toEqual([[1, 3]]);
  });

  it("waits with what came in the place of too few: beside them it would be counted twice", async () => {
    const { tell } = openMonth();
    const six = of(0, [0, 1, 2, 3, 4, 5]);
    await tell(six, HOUR);
    const two = [...of(0, [0, 1, 2, 3]), ...of(0, [4, 5], 2)];
    expect((await tell(two, HOUR)).made).toEqual([]);
    // Three new ones are enough to tell, and take the two with them.
    expect((await tell([...two, ...of(0, [10, 11, 12])], HOUR)).made).toEqual([["hour", 0, 1, 5, -2, 30]]);
  });

  it("takes back what is gone where enough is left, and else only with all of the hour", async () => {
    const { month, tell } = openMonth();
    await tell(of(0, [0, 1, 2, 3, 4, 5, 6, 7]), HOUR);
    expect((await tell(of(0, [0, 1, 2, 3]), HOUR)).made).toEqual([["hour", 0, 1, 0, -4, -40]]);
    // One that is left would be told.
    expect((await tell(of(0, [0]), HOUR)).made).toEqual([]);
    expect((await tell([], HOUR)).made).toEqual([["hour", 0, 1, 0, -4, -40]]);
    expect(month.lots[0]).toMatchObject({ left: 0, plain: 0, lost: 8 });
    expect((await tell([], HOUR)).made).toEqual([]);
  });

  it("undoes a lot that replaced others once all of that is undone, as if it had never been", async () => {
    const { month, tell } = openMonth();
    const six = of(0, [0, 1, 2, 3, 4, 5]);
    await tell(six, HOUR);
    await tell([...of(0, [0, 1]), ...of(0, [2, 3, 4, 5], 2, 20)], HOUR);
    expect(await tell(six, HOUR)).toEqual({ made: [["hour", 0, 1, 4, -4, -40]], changed: [2, 1] });
    expect(leftOf(month.lots)).toEqual([
      [1, 6, 60, 6, 0],
      [2, 0, 0, 0, 0],
      [3, 0, 0, 0, 0],
    ]);
    expect(month.lots.map(({ takes }) => takes.size)).toEqual([0, 0, 0]);
    // The first lot is whole again: parts of it may be taken back.
    expect((await tell(of(0, [0, 1, 2]), HOUR)).made).toEqual([["hour", 0, 1, 0, -3, -30]]);
    // What the undone lot told comes back: it is no more news.
    expect((await tell([...of(0, [0, 1]), ...of(0, [2], 2, 20)], HOUR)).made).toEqual([]);
  });

  it("undoes nothing where a part stays replaced, or something else came besides", async () => {
    const replaced = async () => {
      const { month, tell } = openMonth();
      await tell(of(0, [0, 1, 2, 3, 4, 5, 6, 7]), HOUR);
      await tell([...of(0, [0, 1, 2]), ...of(0, [3, 4, 5, 6, 7], 2, 20)], HOUR);
      return { month, tell };
    };
    // Four of five: what was told at first and what is told then differ in one.
    const part = await replaced();
    expect((await part.tell([...of(0, [0, 1, 2, 3, 4, 5, 6]), ...of(0, [7], 2, 20)], HOUR)).made).toEqual([]);
    // One more sample that is new: the undoing is told, and the new one waits for its day.
    const more = await replaced();
    const whole = of(0, [0, 1, 2, 3, 4, 5, 6, 7]);
    expect((await more.tell([...whole, ...of(0, [30])], HOUR)).made).toEqual([["hour", 0, 1, 5, -5, -50]]);
    expect((await more.tell([...whole, ...of(0, [30]), ...of(1, [0, 1])])).made).toEqual([
      ["day", 0, 6, 3, 0, 30],
    ]);
  });

  it("takes back with the day what the day told, together with what came in its place", async () => {
    const { month, tell } = openMonth();
    const day = [...of(0, [0, 1]), ...of(1, [0, 1]), ...of(2, [0, 1])];
    expect((await tell(day)).made).toEqual([["day", 0, 6, 6, 0, 60]]);
    // Four samples of hour 0, two in the place of those that the day told: the hour alone tells nothing.
    const now = [...of(0, [0, 1, 2, 3], 2, 20), ...day.slice(2)];
    expect((await tell(now)).made).toEqual([["day", 0, 6, 4, -2, 60]]);
    expect(month.lots.map(({ level }) => level)).toEqual(["day", "day"]);
  });

  it("takes back an hour that is gone though its day tells other hours, not where the day told of it", async () => {
    const apart = openMonth();
    await apart.tell([...of(0, [0, 1, 2]), ...of(1, [0, 1]), ...of(2, [0])]);
    expect(madeOf(apart.month.lots)).toEqual([
      ["hour", 0, 1, 3, 0, 30],
      ["day", 0, 6, 3, 0, 30],
    ]);
    expect((await apart.tell([...of(1, [0, 1]), ...of(2, [0])])).made).toEqual([["hour", 0, 1, 0, -3, -30]]);

    const shared = openMonth();
    const late = [...of(0, [10]), ...of(1, [0, 1])];
    await shared.tell(of(0, [0, 1, 2]), HOUR);
    await shared.tell([...of(0, [0, 1, 2]), ...late]);
    expect(madeOf(shared.month.lots)).toEqual([
      ["hour", 0, 1, 3, 0, 30],
      ["day", 0, 6, 3, 0, 30],
    ]);
    // Of hour 0 one is left that the day told: nothing of it can be said but with the day.
    expect((await shared.tell([...of(1, [0, 1])])).made).toEqual([]);
  });

  it("keeps formats apart: too few of one are told with none of another", async () => {
    const { month } = openMonth();
    const [beats, hertz] = [of(0, [0, 2, 4]), of(0, [1, 3])];
    const { made } = await month.tellRuns(
      [run([beats[0]!]), run([hertz[0]!], "Hz"), run([beats[1]!]), run([hertz[1]!], "Hz"), run([beats[2]!])],
      HOUR,
    );
    expect(madeOf(made)).toEqual([["hour", 0, 1, 3, 0, 30]]);
    expect(made[0]!.formats).toEqual([{ coding: null, unit: "/min" }]);
    // In the place of beats comes what is sent in Hz: with too few beats to take back, none of it is told beside them.
    const swap = openMonth().month;
    await swap.tellRuns([run(of(0, [0, 1, 2, 3, 4, 5]))], HOUR);
    const others = (minutes: readonly number[]) => run(of(0, minutes, 2), "Hz");
    const few = await swap.tellRuns([run(of(0, [0, 1, 2, 3])), others([4, 5, 6])], HOUR);
    expect(few.made).toEqual([]);
    const enough = await swap.tellRuns([run(of(0, [0, 1, 2])), others([3, 4, 5])], HOUR);
    expect(enough.made.map(({ formats, added, removed }) => [formats[0]!.unit, added, removed])).toEqual([
      ["Hz", 3, 0],
      ["/min", 0, 3],
    ]);
  });

  it("sums digits of several scales and components exactly", async () => {
    const { month } = openMonth();
    const both = (values: readonly number[]): ShownRun => ({
      ...run(of(0, [0, 1, 2])),
      components: ["a", "b"].map((code, c) => ({
        ...{ coding: { system: "s", code }, unit: "mm[Hg]", scale: c },
        mantissas: Float64Array.from(values, (value) => value + c),
      })),
    });
    const { made } = await month.tellRuns([both([120, 130, 141])], HOUR);
    expect(made[0]!.sums).toEqual([
      { mantissa: 391n, scale: 0 },
      { mantissa: 394n, scale: 1 },
    ]);
    const { made: gone } = await month.tellRuns([], HOUR);
    expect(gone[0]!.sums).toEqual([
      { mantissa: -391n, scale: 0 },
      { mantissa: -394n, scale: 1 },
    ]);
  });

  it("makes nothing of lots that do not hold what was told: something is wrong that no sum may hide", async () => {
    const { month, tell } = openMonth();
    await tell(of(0, [0, 1, 2, 3, 4, 5]), HOUR);
    month.lots[0]!.left = 7;
    await expect(tell(of(0, [0, 1, 2]), HOUR)).rejects.toThrow("does not hold");
  });

  it("lets others have their turn while it makes the lots of many", async () => {
    const { month } = openMonth();
    const shown = run(Array.from({ length: 30_000 }, (_, i): Shown => [(i * MONTH) / 30_000, 1, 10]));
    let turns = 0;
    let over = false;
    const count = () => {
      turns++;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    const { made } = await month.tellRuns([shown], MONTH);
    over = true;
    expect(made.reduce((sum, { added }) => sum + added, 0)).toBe(30_000);
    expect(turns).toBeGreaterThanOrEqual(5);
    expect(turns).toBeLessThan(10);
  });

  it("lets others have their turn also where none of many lies in a bucket", async () => {
    const { month } = openMonth();
    const shown = run(Array.from({ length: 30_000 }, (_, i): Shown => [(i * MONTH) / 30_000, 1, 10]));
    let turns = 0;
    let over = false;
    const count = () => {
      turns++;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    const { made } = await month.tellRuns([shown], 0);
    over = true;
    expect(made).toEqual([]);
    expect(turns).toBeGreaterThanOrEqual(15);
    expect(turns).toBeLessThan(35);
  });

  it("tells all of an hour together, however many there are", async () => {
    const { month } = openMonth();
    const { made } = await month.tellRuns(
      [run(Array.from({ length: 9_000 }, (_, i): Shown => [(i * HOUR) / 9_000, 1, 10]))],
      HOUR,
    );
    expect(madeOf(made)).toEqual([["hour", 0, 1, 9_000, 0, 90_000]]);
  });

  it("tells with the day what lies between two hours: a change of zone leaves such a stretch", async () => {
    const { month } = openMonth();
    const hour = [
      { from: 0, to: HOUR },
      { from: 1.5 * HOUR, to: 2.5 * HOUR },
    ];
    const shown = [...of(0, [0, 1, 2]), ...of(1, [10, 11, 12]), ...of(1, [30, 31]), ...of(2, [0])];
    const { made } = await month.tellRuns([run(shown)], DAY, { hour });
    expect(madeOf(made)).toEqual([
      ["hour", 0, 1, 3, 0, 30],
      ["hour", 1.5, 2.5, 3, 0, 30],
      ["day", 0, 6, 3, 0, 30],
    ]);
  });
});

describe("what was told, taken back and told again", () => {
  const six = of(0, [0, 1, 2, 3, 4, 5]);

  it("is told again where a lot that only took back is undone, and stays known as told twice", async () => {
    const { month, tell } = openMonth();
    await tell(six, HOUR);
    await tell(of(0, [0, 1, 2]), HOUR);
    expect(await tell(six, HOUR)).toEqual({ made: [["hour", 0, 1, 3, 0, 30]], changed: [2, 1] });
    // The lot that is undone told nothing itself, so it can't be forgotten.
    expect(leftOf(month.lots)).toEqual([
      [1, 3, 30, 3, 0, "tangled"],
      [2, 0, 0, 0, 0, "tangled"],
      [3, 3, 30, 0, 0, "tangled"],
    ]);
    expect(month.lots.map(({ takes }) => [...takes])).toEqual([[], [[1, 0]], []]);
  });

  it("is forgotten where a lot of just enough is undone", async () => {
    const { month, tell } = openMonth();
    await tell(six, HOUR);
    await tell([...of(0, [0, 1, 2]), ...of(0, [3, 4, 5], 2)], HOUR);
    await tell(six, HOUR);
    expect(leftOf(month.lots)).toEqual([
      [1, 6, 60, 6, 0],
      [2, 0, 0, 0, 0],
      [3, 0, 0, 0, 0],
    ]);
  });

  /** Two of six are told again by a lot that tells three new ones, too. */
  async function tangled() {
    const { month, tell } = openMonth();
    const replaced = [...of(0, [0, 1]), ...of(0, [2, 3, 4, 5], 2)];
    await tell(six, HOUR);
    await tell(replaced, HOUR);
    const now = [...of(0, [0, 1, 2, 3]), ...of(0, [4, 5], 2), ...of(0, [6, 7, 8])];
    const { made, changed } = await tell(now, HOUR);
    expect(made).toEqual([["hour", 0, 1, 5, -2, 30]]);
    expect(changed.sort()).toEqual([1, 2]);
    return { month, tell, replaced, now };
  }

  it("is counted with no lot any more", async () => {
    const { month } = await tangled();
    expect(leftOf(month.lots)).toEqual([
      [1, 2, 20, 2, 2, "tangled"],
      [2, 2, 20, 2, 2, "tangled"],
      [3, 5, 50, 3, 0, "tangled"],
    ]);
    expect(month.lots.map(({ takes }) => [...takes])).toEqual([[], [[1, 2]], [[2, 2]]]);
  });

  it("goes with all of the hour, and not with all but two of it", async () => {
    const { month, tell } = await tangled();
    expect((await tell(of(0, [2, 3]), HOUR)).made).toEqual([]);
    expect((await tell([], HOUR)).made).toEqual([["hour", 0, 1, 0, -9, -90]]);
    expect(leftOf(month.lots)).toEqual([
      [1, 0, 0, 0, 4, "tangled"],
      [2, 0, 0, 0, 4, "tangled"],
      [3, 0, 0, 0, 3, "tangled"],
      [4, 0, 0, 0, 0, "tangled"],
    ]);
    expect([...month.lots[3]!.takes].sort(([a], [b]) => a - b)).toEqual([
      [1, 2],
      [2, 2],
      [3, 3],
    ]);
  });

  it.each([
    ["the hour before", [-60, -50, -1]],
    ["the hour behind", [60, 70, 119]],
  ])("goes with all of its hour though %s stays", async (_, minutes) => {
    const { month, tell } = openMonth();
    const at = HOUR;
    const shift = (shown: readonly Shown[]) => shown.map(([time, ...rest]): Shown => [time + at, ...rest]);
    const beside = minutes.map((minute): Shown => [at + minute, 1, 10]);
    const steps = [six, [...of(0, [0, 1]), ...of(0, [2, 3, 4, 5], 2)]];
    for (const shown of steps) await tell([...shift(shown), ...beside], 3 * HOUR);
    await tell(
      [...shift([...of(0, [0, 1, 2, 3]), ...of(0, [4, 5], 2), ...of(0, [6, 7, 8])]), ...beside],
      3 * HOUR,
    );
    expect(month.lots).toHaveLength(4);
    expect((await tell(beside, 3 * HOUR)).made).toEqual([["hour", 1, 2, 0, -9, -90]]);
  });

  it("goes with all of its hour and format though another format stays", async () => {
    const { month } = openMonth();
    const hertz = run(of(0, [20, 21, 22]), "Hz");
    const now = [...of(0, [0, 1, 2, 3]), ...of(0, [4, 5], 2), ...of(0, [6, 7, 8])];
    for (const shown of [
      six,
      [...of(0, [0, 1]), ...of(0, [2, 3, 4, 5], 2)],
      now.toSorted(([a], [b]) => a - b),
    ]) {
      await month.tellRuns([run(shown), hertz], HOUR);
    }
    expect(madeOf((await month.tellRuns([hertz], HOUR)).made)).toEqual([["hour", 0, 1, 0, -9, -90]]);
  });

  it("does not go with its hour where the day took back some of it, but with all of the day", async () => {
    const { month, tell, now } = await tangled();
    const others = [...of(1, [0, 1, 2, 3]), ...of(2, [0, 1, 2, 3])];
    await tell([...now, ...others], DAY);
    // One of each hour: the day takes them back.
    const less = [...now.slice(1), ...others.slice(1, 4), ...others.slice(5)];
    expect((await tell(less, DAY)).made).toEqual([["day", 0, 6, 0, -3, -30]]);
    expect((await tell([...others.slice(1, 4), ...others.slice(5)], DAY)).made).toEqual([]);
    expect((await tell([], DAY)).made.map(([level]) => level)).toContain("day");
    expect(month.lots.reduce((sum, { left }) => sum + left, 0)).toBe(0);
  });

  it("does not go with its hour where lots of other hours lie across it, but with the day", async () => {
    const { month, tell } = await tangled();
    const across = { ...month.lots[0]!, from: 30, to: 90, added: 3, left: 0, plain: 0, tangled: false };
    const nothing = [{ mantissa: 0n, scale: 0 }];
    // They told three, and took them back again: nothing is left of them but what somebody remembers.
    month.lots.push({ ...across, id: 201, lost: 3, leftSums: nothing, takes: new Map() });
    month.lots.push({
      ...across,
      id: 202,
      added: 0,
      removed: 3,
      lost: 0,
      leftSums: nothing,
      takes: new Map([[201, 3]]),
    });
    const column = (...values: readonly number[]) => Float64Array.from(values);
    month.told = concatTold([
      month.told,
      {
        ...{ times: column(40, 45, 50), ranks: column(1, 1, 1), lots: column(201, 201, 201) },
        ...{ takers: column(202, 202, 202), marks: column(0, 0, 0) },
      },
    ]);
    expect((await tell([], HOUR)).made).toEqual([]);
    expect((await tell([], DAY)).made).toEqual([["day", 0, 6, 0, -9, -90]]);
  });

  it("is undone by what undoes exactly one lot, though that one is tangled: then nothing is forgotten", async () => {
    const { month, tell, replaced } = await tangled();
    expect((await tell(replaced, HOUR)).made).toEqual([["hour", 0, 1, 2, -5, -30]]);
    expect(leftOf(month.lots)).toEqual([
      [1, 2, 20, 2, 2, "tangled"],
      [2, 2, 20, 2, 0, "tangled"],
      [3, 0, 0, 0, 3, "tangled"],
      [4, 2, 20, 0, 0, "tangled"],
    ]);
  });

  it("undoes no lot where what is gone is another's, or what is back", async () => {
    for (const swapped of [false, true]) {
      const { month, tell } = openMonth();
      const [a, b] = [
        [0, 1, 2],
        [3, 4, 5],
      ] as const;
      const rest = of(0, [6, 7, 8]);
      await tell([...of(0, a), ...of(0, b), ...rest], HOUR);
      await tell([...of(0, a, 2), ...of(0, b), ...rest], HOUR);
      await tell([...of(0, a, 2), ...of(0, b, 2), ...rest], HOUR);
      expect(month.lots).toHaveLength(3);
      const [kept, back] = swapped ? [b, b] : [a, a];
      // Of each instant of `back` both are shown, and of the others none.
      await tell([...of(0, kept, 2), ...of(0, back), ...rest], HOUR);
      const [undone, left] = swapped ? [2, 1] : [1, 2];
      expect([month.lots[undone]!.left, month.lots[left]!.left, month.lots[3]!.left]).toEqual([3, 0, 3]);
      expect(month.lots[3]!.tangled).toBe(true);
    }
  });
});

describe("a lot of other hours than these", () => {
  /** Three samples that a lot of `from` to `to` told, when hours began otherwise. */
  function moved(from: number, to: number, minutes: readonly number[], taken?: { from: number; to: number }) {
    const { month, tell } = openMonth();
    const lot = (id: number, bounds: { from: number; to: number }, more: Partial<Lot> = {}): Lot => ({
      ...{ id, level: "hour", ...bounds, formats: [{ coding: null, unit: "/min" }], added: 3, removed: 0 },
      ...{ sums: [{ mantissa: 30n, scale: 0 }], left: 3, leftSums: [{ mantissa: 30n, scale: 0 }], plain: 3 },
      ...{ lost: 0, takes: new Map(), tangled: false, ...more },
    });
    const nothing = [{ mantissa: 0n, scale: 0 }];
    if (taken === undefined) month.lots.push(lot(101, { from, to }));
    else {
      month.lots.push(lot(101, { from, to }, { left: 0, leftSums: nothing, plain: 0, lost: 3 }));
      const takes = new Map([[101, 3]]);
      month.lots.push(lot(102, taken, { added: 0, removed: 3, left: 0, leftSums: nothing, plain: 0, takes }));
    }
    const column = (value: (i: number) => number) => Float64Array.from(minutes, (_, i) => value(i));
    month.told = {
      ...{ times: column((i) => minutes[i]!), ranks: column(() => 1), lots: column(() => 101) },
      ...{ takers: column(() => (taken === undefined ? 0 : 102)), marks: column(() => 0) },
    };
    return { month, tell };
  }

  it("is taken back with the day that holds it, not with an hour that holds a part of it", async () => {
    for (const [from, to, minutes] of [
      [30, 90, [40, 45, 50]],
      [30, 90, [60, 65, 70]],
      [60, 120, [60, 65, 70]],
    ] as const) {
      const { tell } = moved(from, to, minutes);
      const level = from === 60 ? "hour" : "day";
      expect((await tell([])).made.map(([of, , , added, removed]) => [of, added, removed])).toEqual([
        [level, 0, -3],
      ]);
    }
  });

  it("keeps its samples taken back where the hour holds not all of what took them, or of what had told them", async () => {
    const within = { from: 0, to: 60 };
    for (const [told, taken, level] of [
      [within, within, "hour"],
      [within, { from: 30, to: 90 }, "day"],
      [{ from: 30, to: 90 }, within, "day"],
    ] as const) {
      const { tell } = moved(told.from, told.to, [40, 45, 50], taken);
      expect((await tell(of(0, [40, 45, 50]))).made).toEqual([
        [level, 0, level === "hour" ? 1 : 6, 3, 0, 30],
      ]);
    }
  });

  it("that reaches out of the month is let be, and so is what came in its place; the rest of the month is told", async () => {
    const { month, tell } = moved(-30, 30, [10, 11, 12]);
    const replaced = of(0, [10, 11, 12], 2);
    const apart = [...of(1, [0]), ...of(7, [0]), ...of(14, [0])];
    expect((await tell([...replaced, ...apart])).made).toEqual([["month", 0, 18, 3, 0, 30]]);
    expect(month.lots[0]).toMatchObject({ left: 3, plain: 3, lost: 0 });
    expect((await tell([...replaced, ...apart])).made).toEqual([]);
  });
});
