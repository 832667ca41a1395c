import { describe, expect, it } from "vitest";
import type { Head } from "../src/blocks/documents.ts";
import { headChange, loadHead } from "../src/blocks/head-repository.ts";
import { createReleases } from "../src/lots/releases.ts";
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
  partition,
  utc,
} from "./series-scene.ts";

describe("what readers of hourly and daily data are told", () => {
  it("is never of one sample alone", async () => {
    const { deps } = await openSeries(april);
    for (const least of [1, 0, -1, Number.NaN]) {
      expect(() => createReleases(deps, least)).toThrow(RangeError);
    }
    expect(createReleases(deps, 2).least).toBe(2);
  });

  it("is as of the last full hour, of what was committed before it", async () => {
    const scene = await openSeries(april + 2 * HOUR - 1);
    expect(scene.releases.instant()).toBe(april + HOUR);
    await scene.commit(minutes(april, 3));
    expect((await scene.told()).lots).toEqual([]);
    scene.clock.time += 1;
    expect(scene.releases.instant()).toBe(april + 2 * HOUR);
    expect(of((await scene.told()).lots)).toEqual([["hour", 0, 3, 0]]);
    await scene.commit(minutes(april + 10 * MINUTE, 3));
    await scene.commit(minutes(april + HOUR, 3));
    expect(of((await scene.told()).lots)).toEqual([["hour", 0, 3, 0]]);
    scene.clock.time += HOUR;
    expect(of((await scene.told()).lots).sort()).toEqual([
      ["hour", 0, 3, 0],
      ["hour", 0, 3, 0],
      ["hour", 1, 3, 0],
    ]);
  });

  it("is nothing of somebody without data, and of whoever is erased", async () => {
    const scene = await openSeries(april + DAY);
    expect(await scene.told()).toEqual({ lots: [], newest: undefined });
    await scene.commit(minutes(april, 3));
    scene.clock.time += HOUR;
    expect((await scene.told()).lots).toHaveLength(1);
    const head = (await loadHead(scene.store, partition))!;
    const erased: Head = { ...head.document, erased: true };
    await scene.store.commit({ partition, changes: [headChange(partition, head, erased)] });
    expect(await scene.told()).toEqual({ lots: [], newest: undefined });
  });

  it("is of lots that lie within the interval, and not of those that reach over its ends", async () => {
    const scene = await openSeries(april);
    await scene.commit([...minutes(april, 3), april + 4 * HOUR, april + 5 * HOUR, april + 6 * HOUR]);
    scene.clock.time = april + DAY;
    const told = async (from: number, to: number) =>
      of((await scene.told({ from: april + from * HOUR, to: april + to * HOUR })).lots);
    expect(await told(0, 24)).toEqual([
      ["hour", 0, 3, 0],
      ["day", 0, 3, 0],
    ]);
    expect(await told(0, 23)).toEqual([["hour", 0, 3, 0]]);
    expect(await told(0, 1)).toEqual([["hour", 0, 3, 0]]);
    expect(await told(1, 24)).toEqual([]);
    expect(await told(-24, 48)).toHaveLength(2);
    expect(await told(24, 24)).toEqual([]);
    expect(await told(30, 40)).toEqual([]);
  });

  it("is told with the month once that has ended, and written down once", async () => {
    const scene = await openSeries(april);
    await scene.commit([april + DAY, april + 5 * DAY, april + 20 * DAY]);
    scene.clock.time = may - 1;
    expect((await scene.told()).lots).toEqual([]);
    // Nothing was made, and the month goes on: nothing is noted.
    expect(await scene.stored()).toEqual([]);
    scene.clock.time = may;
    expect(of((await scene.told()).lots)).toEqual([["month", 0, 3, 0]]);
    expect(await scene.stored()).toEqual([[0, 1]]);
    scene.clock.time += 3 * DAY;
    expect(of((await scene.told()).lots)).toEqual([["month", 0, 3, 0]]);
    expect(await scene.stored()).toEqual([[0, 1]]);
  });

  it("is looked for once where too few of an ended month are left, until something of it changes", async () => {
    const scene = await openSeries(may + DAY);
    await scene.commit([april + DAY, april + 2 * DAY]);
    await scene.commit(minutes(may, 2));
    scene.clock.time += HOUR;
    expect((await scene.told()).lots).toEqual([]);
    expect(await scene.stored()).toEqual([[0, 1]]);
    scene.asked.samples = [];
    scene.clock.time += HOUR;
    await scene.told();
    // May goes on: it is looked at each hour.
    expect(scene.asked.samples).toEqual([monthOf(may)]);
    await scene.commit([april + 3 * DAY]);
    scene.clock.time += HOUR;
    expect(of((await scene.told()).lots)).toEqual([["month", 0, 3, 0]]);
  });

  it("costs nothing when it is asked again within the hour, also of a part of it", async () => {
    const scene = await openSeries(april);
    await scene.commit(minutes(april, 30));
    scene.clock.time = april + 3 * HOUR;
    const first = await scene.told();
    scene.asked.names = 0;
    expect(await scene.told()).toEqual(first);
    expect(await scene.told({ from: april, to: april + DAY })).toEqual(first);
    expect([scene.asked.names, scene.asked.saves]).toEqual([0, 1]);
    await scene.told({ from: always.from, to: always.to + 1 });
    expect(scene.asked.names).toBe(1);
    // Another hour, other zones or another commit: it is asked anew.
    scene.clock.time += HOUR;
    await scene.told();
    await scene.told(always, berlin);
    await scene.commit([april + 2 * HOUR]);
    await scene.told(always, berlin);
    expect(scene.asked.names).toBe(4);
    expect(scene.asked.saves).toBe(1);
  });

  it("is made of the months that are asked for, and of no others", async () => {
    const scene = await openSeries(may + 40 * DAY);
    await scene.commit(minutes(april + 10 * DAY, 4));
    await scene.commit(minutes(may + 10 * DAY, 4));
    scene.clock.time += HOUR;
    expect(of((await scene.told({ from: april, to: may })).lots)).toEqual([["hour", 240, 4, 0]]);
    expect(await scene.stored()).toEqual([[0, 1]]);
    expect((await scene.told({ from: Date.UTC(2016, 6, 1), to: Date.UTC(2016, 7, 1) })).lots).toEqual([]);
    expect(await scene.stored()).toEqual([[0, 1]]);
    expect((await scene.told()).lots).toHaveLength(2);
    expect(await scene.stored()).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  it("changes where what begins in the next month hides the end of this one", async () => {
    const scene = await openSeries(may + DAY);
    const late = minutes(may - 3 * MINUTE, 3);
    await scene.commit(minutes(april, 3));
    await scene.commit(late, { durationMs: 2 * HOUR });
    scene.clock.time += HOUR;
    const told = async () =>
      of((await scene.told({ from: april, to: may })).lots).filter(([, hour]) => hour !== 0);
    expect(await told()).toEqual([["hour", 719, 3, 0]]);
    await scene.commit([may + 30 * MINUTE]);
    scene.clock.time += HOUR;
    expect(await told()).toEqual([
      ["hour", 719, 3, 0],
      ["hour", 719, 0, -3],
    ]);
  });

  it("is of the patient's months: one that begins in another of UTC is kept whole", async () => {
    const scene = await openSeries(april);
    const start = april - 2 * HOUR; // 1 April in Berlin
    const told = async () => of((await scene.told(always, berlin)).lots, start);
    await scene.commit([...minutes(start, 3), start + HOUR, ...minutes(april + 9 * HOUR, 2)]);
    scene.clock.time = start + DAY;
    expect(await told()).toEqual([
      ["hour", 0, 3, 0],
      ["day", 0, 3, 0],
    ]);
    const written = await scene.stored();
    expect(written.map(([month]) => month)).toEqual([-1, 0]);
    // Late ones of both sides, and one of April alone.
    await scene.commit([...minutes(start + 10 * MINUTE, 3), ...minutes(april + 9 * HOUR + 10 * MINUTE, 3)]);
    scene.clock.time += HOUR;
    expect((await told()).sort()).toEqual([
      ["day", 0, 3, 0],
      ["hour", 0, 3, 0],
      ["hour", 0, 3, 0],
      ["hour", 11, 3, 0],
    ]);
    // What is gone is taken back on both sides of midnight of UTC.
    const all = (await scene.told(always, berlin)).lots;
    expect(all.reduce((sum, { left }) => sum + left, 0)).toBe(12);
    scene.clock.time = may + DAY;
    expect((await told()).sort()).toHaveLength(4);
  });

  it("stays as it was told where the patient moves to another zone, and nothing is told twice", async () => {
    const scene = await openSeries(april);
    await scene.commit([...minutes(april, 3), ...minutes(april + 12 * HOUR, 2), april + 20 * HOUR]);
    scene.clock.time = april + DAY;
    const before = of((await scene.told()).lots);
    expect(before).toEqual([
      ["hour", 0, 3, 0],
      ["day", 0, 3, 0],
    ]);
    const kolkata = [{ from: Number.NEGATIVE_INFINITY, zone: "Asia/Kolkata" }];
    expect(of((await scene.told(always, kolkata)).lots)).toEqual(before);
    await scene.commit(minutes(april + 30 * MINUTE, 3));
    scene.clock.time += 3 * HOUR;
    const now = (await scene.told(always, kolkata)).lots;
    expect(of(now)).toEqual([
      ["hour", 0, 3, 0],
      ["day", 0, 3, 0],
      // The hour of half past.
      ["hour", 0.5, 3, 0],
    ]);
  });

  it("names the source of the latest sample of the months that are asked for", async () => {
    const scene = await openSeries(may + 40 * DAY);
    await scene.commit(minutes(may + 10 * DAY, 4), { model: "First" });
    await scene.commit(minutes(april + 10 * DAY, 4), { model: "Second" });
    await scene.commit(minutes(april + 11 * DAY, 4), { model: "Third" });
    await scene.commit(minutes(april + 5 * DAY, 4), { model: "Fourth" });
    await scene.commit(minutes(may + 12 * DAY, 4), { model: "Fifth" });
    scene.clock.time += HOUR;
    const newest = async (from: number, to: number) => (await scene.told({ from, to })).newest?.source.model;
    expect(await newest(april, may)).toBe("Fourth");
    expect(await newest(may, may + 31 * DAY)).toBe("Fifth");
    expect(await newest(april, may + 31 * DAY)).toBe("Fifth");
    expect(await newest(may + 40 * DAY, may + 50 * DAY)).toBeUndefined();
  });

  it("is of numbers, in components too, and never of codes", async () => {
    const scene = await openSeries(april);
    const component = (code: string) => ({
      ...{ coding: { system: "s", code }, unit: "mm[Hg]", scale: 0, mantissas: Float64Array.of(1, 2, 3) },
    });
    await scene.commit(minutes(april, 3), {
      columns: { kind: "components", components: [component("a"), component("b")] },
    });
    await scene.commit(minutes(april + HOUR, 3), {
      columns: { kind: "coded", dictionary: [{ system: "s", code: "x" }], indexes: Uint32Array.of(0, 0, 0) },
    });
    scene.clock.time = april + DAY;
    const { lots } = await scene.told();
    expect(lots.map(({ sums, formats }) => [sums.map(({ mantissa }) => mantissa), formats.length])).toEqual([
      [[6n, 6n], 2],
    ]);
  });

  it("is tried again where another replica is faster, and unavailable where that never ends", async () => {
    const scene = await openSeries(april);
    await scene.commit(minutes(april, 3));
    scene.clock.time = april + DAY;
    scene.refuse(15);
    expect((await scene.told()).lots).toHaveLength(1);
    expect(scene.asked.saves).toBe(16);
    await scene.commit(minutes(april + 2 * HOUR, 3));
    scene.clock.time += HOUR;
    scene.refuse(16);
    await expect(scene.told()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect((await scene.told()).lots).toHaveLength(2);
  });

  it("is remembered for the state that it was made of, not for one that came between", async () => {
    const scene = await openSeries(april);
    await scene.commit(minutes(april, 3));
    scene.clock.time = april + DAY;
    const { scan } = scene.store;
    let between = true;
    // After the head was read, and before the lots are saved.
    scene.store.scan = async (...call) => {
      if (between && call[0] === "blocks") {
        between = false;
        await scene.commit(minutes(april + 5 * HOUR, 3));
      }
      return scan.call(scene.store, ...call) as never;
    };
    await scene.told();
    scene.clock.time += HOUR;
    expect(of((await scene.told()).lots)).toEqual([
      ["hour", 0, 3, 0],
      ["hour", 5, 3, 0],
    ]);
  });

  it("is nothing of a series that is not there", async () => {
    const scene = await openSeries(april);
    await scene.commit(minutes(april, 3));
    scene.clock.time = april + DAY;
    expect((await scene.told()).lots).toHaveLength(1);
    // At the same hour, of the same patient: what was remembered of the one series is not told of the other.
    expect(await scene.releases.told(partition, "another", always, utc)).toEqual({
      lots: [],
      newest: undefined,
    });
  });

  it("is taken back with the samples that were told, also where none is left", async () => {
    const scene = await openSeries(april);
    await scene.commit(minutes(april + 10 * DAY, 3));
    scene.clock.time = may + DAY;
    expect(of((await scene.told()).lots)).toEqual([["hour", 240, 3, 0]]);
    await scene.takeBack(1);
    scene.clock.time += HOUR;
    expect(of((await scene.told()).lots)).toEqual([
      ["hour", 240, 3, 0],
      ["hour", 240, 0, -3],
    ]);
  });

  it("is of the next hour what was committed in this one, though it lies in one block with what was told", async () => {
    const scene = await openSeries(may + DAY);
    await scene.commit(minutes(april, 3));
    scene.clock.time += HOUR;
    await scene.commit(minutes(april + HOUR, 3));
    await scene.compact();
    expect(of((await scene.told()).lots)).toEqual([["hour", 0, 3, 0]]);
    scene.clock.time += HOUR;
    expect(of((await scene.told()).lots)).toEqual([
      ["hour", 0, 3, 0],
      ["hour", 1, 3, 0],
    ]);
    // Then nothing changes any more, and nothing is read.
    scene.asked.samples = [];
    scene.clock.time += HOUR;
    await scene.told();
    expect(scene.asked.samples).toEqual([]);
  });
});
