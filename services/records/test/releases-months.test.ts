/** Which months of a series are looked at again, and that nothing told is lost or told twice where they meet. */
import { describe, expect, it } from "vitest";
import { FULL_SAMPLES } from "../src/compaction/compaction.ts";
import { monthOf } from "../src/model/utc-month.ts";
import {
  always,
  april,
  berlin,
  DAY,
  HOUR,
  MINUTE,
  may,
  minutes,
  of,
  openSeries,
  utc,
} from "./series-scene.ts";

const february = Date.UTC(2016, 1, 1);
const march = Date.UTC(2016, 2, 1);
const june = Date.UTC(2016, 5, 1);
const july = Date.UTC(2016, 6, 1);
/** 1 April in Berlin. */
const aprilInBerlin = april - 2 * HOUR;

type Scene = Awaited<ReturnType<typeof openSeries>>;

/** An hour later: the months that are looked at, and the lots. */
async function nextHour(scene: Scene, zones = utc) {
  scene.clock.time += HOUR;
  scene.asked.samples = [];
  const { lots } = await scene.told(always, zones);
  return { looked: scene.asked.samples.map((month) => month - monthOf(april)), lots };
}

describe("a month that has ended and was told", () => {
  /** Of April, and of June, which has ended, too. */
  async function openTold() {
    const scene = await openSeries(july + DAY);
    await scene.commit(minutes(april + DAY, 4));
    await scene.commit(minutes(june + DAY, 4));
    scene.clock.time += HOUR;
    expect((await scene.told()).lots).toHaveLength(2);
    expect(await scene.stored()).toEqual([
      [0, 1],
      [2, 1],
    ]);
    return scene;
  }

  it("is left alone by what comes to months before and after it, also right at its ends", async () => {
    const scene = await openTold();
    await scene.commit(minutes(april - 3 * MINUTE, 3, MINUTE + 20_000 - 1));
    await scene.commit(minutes(april - 3, 3, 1));
    expect((await nextHour(scene)).looked).toEqual([-1]);
    await scene.commit(minutes(may, 4));
    await scene.commit(minutes(may + 10 * DAY, 4), { durationMs: 2 * HOUR });
    await scene.commit(minutes(july + HOUR, 4));
    expect((await nextHour(scene)).looked).toEqual([1, 3]);
    expect(await scene.stored()).toEqual([
      [-1, 1],
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  it("is not looked at for what was committed within the hour, before that is told", async () => {
    const scene = await openTold();
    await scene.commit(minutes(april + 2 * DAY, 3));
    scene.asked.samples = [];
    expect((await scene.told()).lots).toHaveLength(2);
    expect(scene.asked.samples).toEqual([]);
    const { looked, lots } = await nextHour(scene);
    expect([looked, lots.length]).toEqual([[0], 3]);
  });

  it("with nothing in it stays so, whatever its neighbours have", async () => {
    const scene = await openTold();
    await scene.commit(minutes(june + 2 * DAY, 4));
    expect((await nextHour(scene)).looked).toEqual([2]);
    expect(await scene.stored()).toEqual([
      [0, 1],
      [2, 2],
    ]);
  });

  it("is told anew where one upload took the place of another", async () => {
    const scene = await openTold();
    await scene.takeBack(1);
    await scene.commit(minutes(april + 2 * DAY, 4));
    const { lots } = await nextHour(scene);
    expect(of(lots).filter(([, hour]) => Number(hour) < 30 * 24)).toEqual([
      ["hour", 24, 4, 0],
      ["hour", 24, 0, -4],
      ["hour", 48, 4, 0],
    ]);
  });

  it("is written alone, and not with the month after it", async () => {
    const scene = await openSeries(june + DAY);
    await scene.commit(minutes(april + DAY, 4));
    await scene.commit(minutes(may + DAY, 4));
    await nextHour(scene);
    await scene.commit(minutes(april + 2 * DAY, 4));
    await nextHour(scene);
    expect(await scene.stored()).toEqual([
      [0, 2],
      [1, 1],
    ]);
  });

  it("is noted at the very instant of its end, also where it had too little to tell", async () => {
    const scene = await openSeries(may - HOUR);
    await scene.commit(minutes(april, 2));
    expect((await nextHour(scene)).looked).toEqual([0]);
    expect(await scene.stored()).toEqual([[0, 1]]);
    expect((await nextHour(scene)).looked).toEqual([]);
  });
});

describe("what is told", () => {
  it("of hours to come is nothing, and nothing is looked for", async () => {
    const scene = await openSeries(april + HOUR);
    await scene.commit(minutes(april, 3));
    // From a device whose clock is ahead.
    await scene.commit(minutes(april + 30 * HOUR, 3));
    scene.clock.time = april + DAY;
    for (const from of [april + DAY, april + 2 * DAY]) {
      expect((await scene.told({ from, to: from + DAY })).lots).toEqual([]);
    }
    expect(scene.asked.samples).toEqual([]);
  });

  it("of a month that goes on grows with its days, though nothing new came", async () => {
    const scene = await openSeries(april);
    await scene.commit([...minutes(april, 3), april + 5 * HOUR, april + 6 * HOUR, april + 7 * HOUR]);
    expect(of((await nextHour(scene)).lots)).toEqual([["hour", 0, 3, 0]]);
    scene.clock.time = april + DAY;
    expect(of((await scene.told()).lots)).toEqual([
      ["hour", 0, 3, 0],
      ["day", 0, 3, 0],
    ]);
  });

  it("is taken back part by part: each part is counted once", async () => {
    const scene = await openSeries(may + DAY);
    await scene.commit(minutes(april, 3));
    await scene.commit(minutes(april + 10 * MINUTE, 3));
    await scene.commit(minutes(april + 20 * MINUTE, 3));
    expect(of((await nextHour(scene)).lots)).toEqual([["hour", 0, 9, 0]]);
    for (const [sequence, times] of [
      [1, 1],
      [2, 2],
      [3, 3],
    ] as const) {
      await scene.takeBack(sequence);
      expect(of((await nextHour(scene)).lots)).toEqual([
        ["hour", 0, 9, 0],
        ...Array.from({ length: times }, () => ["hour", 0, 0, -3]),
      ]);
    }
  });

  it("is taken back at the next question where it was retracted while other lots were made", async () => {
    const scene = await openSeries(may + DAY);
    await scene.commit(minutes(april, 3));
    await nextHour(scene);
    await scene.commit(minutes(april + 5 * HOUR, 3));
    scene.beforeSaving(() => scene.takeBack(1));
    await nextHour(scene);
    expect(of((await scene.told()).lots)).toEqual([
      ["hour", 0, 3, 0],
      ["hour", 0, 0, -3],
      ["hour", 5, 3, 0],
    ]);
  });

  it("has what came in this hour in the next one, also where most of the month lies in a block of its own", async () => {
    const scene = await openSeries(may + DAY);
    await scene.commit(minutes(april, FULL_SAMPLES, 1_000));
    await scene.compact();
    await scene.commit(minutes(april + 10 * DAY, 3));
    scene.clock.time += HOUR;
    await scene.commit(minutes(april + 11 * DAY, 3));
    await scene.compact();
    const late = (lots: Awaited<ReturnType<Scene["told"]>>["lots"]) =>
      of(lots).filter(([, hour]) => Number(hour) >= 240);
    expect(late((await scene.told()).lots)).toEqual([["hour", 240, 3, 0]]);
    expect(late((await nextHour(scene)).lots)).toEqual([
      ["hour", 240, 3, 0],
      ["hour", 264, 3, 0],
    ]);
  });

  it("names the source of what came last, wherever in the month that lies", async () => {
    const scene = await openSeries(may + DAY);
    await scene.commit(minutes(april + 5 * DAY, 3), { model: "First" });
    await scene.commit(minutes(april + 15 * DAY, 3), { model: "Second" });
    await scene.commit(minutes(april + 10 * DAY, 3), { model: "Third" });
    await nextHour(scene);
    expect((await scene.told()).newest?.source.model).toBe("Third");
  });

  it("names the source of the months that are asked for, not of those that end or begin where they do", async () => {
    const scene = await openSeries(june + DAY);
    await scene.commit(minutes(may + DAY, 3), { model: "Old" });
    await scene.commit(minutes(april + DAY, 3), { model: "New" });
    await nextHour(scene);
    const newest = async (from: number, to: number) => (await scene.told({ from, to })).newest?.source.model;
    expect(await newest(may, june)).toBe("Old");
    expect(await newest(march, april)).toBeUndefined();
    expect(await newest(april, june)).toBe("New");
  });

  it("is of no hour and no day that a move to another zone cut short", async () => {
    const moved = [...utc, { from: april + 12.5 * HOUR, zone: "Asia/Kolkata" }];
    const scene = await openSeries(april);
    await scene.commit(minutes(april + 12 * HOUR + 10 * MINUTE, 3));
    scene.clock.time = april + 2 * DAY;
    expect((await scene.told(always, moved)).lots).toEqual([]);
    scene.clock.time = may;
    expect(of((await scene.told(always, moved)).lots)).toEqual([["month", 0, 3, 0]]);
  });
});

describe("the months of a patient who does not live by UTC", () => {
  const newYork = [{ from: Number.NEGATIVE_INFINITY, zone: "America/New_York" }];

  it("are taken back, also where all that was told lies in one month of UTC", async () => {
    const scene = await openSeries(may + DAY);
    await scene.commit(minutes(april + 10 * DAY, 3));
    await nextHour(scene, berlin);
    await scene.takeBack(1);
    expect(of((await nextHour(scene, berlin)).lots)).toEqual([
      ["hour", 240, 3, 0],
      ["hour", 240, 0, -3],
    ]);
  });

  it("keep what the month before told in the same month of UTC", async () => {
    const scene = await openSeries(may + DAY);
    await scene.commit(minutes(march + 10 * DAY, 3), { model: "Old" });
    await scene.commit(minutes(aprilInBerlin, 3), { model: "New" });
    const before = (await nextHour(scene, berlin)).lots;
    expect(of(before)).toEqual([
      ["hour", -21 * 24, 3, 0],
      ["hour", -2, 3, 0],
    ]);
    const { newest } = await scene.told({ from: march, to: april - DAY }, berlin);
    expect(newest?.source.model).toBe("Old");
    expect((await nextHour(scene, berlin)).looked).toEqual([]);
    await scene.commit(minutes(march + 20 * DAY, 3));
    const { looked, lots } = await nextHour(scene, berlin);
    expect([looked, of(lots)]).toEqual([
      [-2], // where March begins in Berlin
      [
        ["hour", -21 * 24, 3, 0],
        ["hour", -11 * 24, 3, 0],
        ["hour", -2, 3, 0],
      ],
    ]);
  });

  it("are stored where something is told of them, and no more often", async () => {
    const scene = await openSeries(may + DAY);
    await scene.commit(minutes(april + 10 * DAY, 3));
    await nextHour(scene, berlin);
    expect(await scene.stored()).toEqual([[0, 1]]);
    await scene.commit(minutes(aprilInBerlin, 3));
    await nextHour(scene, berlin);
    expect(await scene.stored()).toEqual([
      [-1, 1],
      [0, 2],
    ]);
    await nextHour(scene, berlin);
    const [first] = await scene.stored();
    // Too little to tell.
    await scene.commit([april + 20 * DAY]);
    await nextHour(scene, berlin);
    expect(await scene.stored()).toEqual([first, [0, 3]]);
  });

  it("keep a day that begins in the month of UTC before its samples", async () => {
    const scene = await openSeries(may + DAY);
    await scene.commit(minutes(april + HOUR, 3, 5 * HOUR));
    const day = [["day", 0, 3, 0]];
    const told = async () => of((await nextHour(scene, berlin)).lots, aprilInBerlin);
    expect(await told()).toEqual(day);
    expect(await told()).toEqual(day);
    // March has nothing of its own.
    expect((await scene.told({ from: march, to: april - DAY }, berlin)).newest).toBeUndefined();
    await scene.commit([april + 20 * DAY]);
    expect(await told()).toEqual(day);
  });

  it("keep a day that ends in the month of UTC after it began: its samples are told once", async () => {
    const scene = await openSeries(may + 2 * DAY);
    await scene.commit([may - 5 * HOUR, may, may + HOUR, may + 2 * HOUR]);
    const start = may - 20 * HOUR;
    const told = async () => of((await nextHour(scene, newYork)).lots, start);
    expect(await told()).toEqual([["day", 0, 4, 0]]);
    await scene.commit(minutes(april + 10 * DAY, 3));
    expect(await told()).toEqual([
      ["hour", -460, 3, 0],
      ["day", 0, 4, 0],
    ]);
  });

  it("are known in full where the end of one is asked for alone", async () => {
    const scene = await openSeries(may + DAY);
    const marchInBerlin = march - HOUR;
    await scene.commit(minutes(marchInBerlin, 3));
    await nextHour(scene, berlin);
    await scene.commit(minutes(march + 10 * DAY, 3));
    scene.clock.time += HOUR;
    await scene.told({ from: april - 2 * DAY, to: april + DAY }, berlin);
    expect(of((await scene.told({ from: february, to: may }, berlin)).lots, march)).toEqual([
      ["hour", -1, 3, 0],
      ["hour", 240, 3, 0],
    ]);
  });
});
