import { describe, expect, it } from "vitest";
import type { Lot } from "../src/lots/lots.ts";
import type { ShownRun } from "../src/lots/told-samples.ts";
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
    ...[id, left, Number(leftSums[0]?.mantissa ?? 0), plain, lost],
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
    expect(turns).toBeGreaterThanOrEqual(3);
    expect(turns).toBeLessThan(20);
  });
});
