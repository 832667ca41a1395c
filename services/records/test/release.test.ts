import { readFile } from "node:fs/promises";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Direction, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { ask, DAY, HOUR, instants, MINUTE, openReleaseScene, send, takeBack } from "./release-scene.ts";
import { append, HEART_RATE, heartRates, WEIGHT } from "./world.ts";

/** Tuesday 12 April 2016, 00:00 in Berlin. */
const midnight = Date.UTC(2016, 3, 11, 22);
const counts = (buckets: readonly { readonly count: number }[]) => buckets.map(({ count }) => count);

describe("a reader of hourly or daily data", () => {
  it("is told nothing of an hour that has not ended, nor as of a time between two full hours", async () => {
    const scene = await openReleaseScene(midnight + 10 * HOUR + 30 * MINUTE);
    const { clock, hourly } = scene;
    await send(scene, "nine", instants(midnight + 9 * HOUR, 20));
    await send(scene, "ten", instants(midnight + 10 * HOUR, 20));
    const hours = () => ask(scene, hourly, BucketSize.HOUR, midnight, midnight + DAY);
    // Both were committed after ten o'clock.
    expect(await hours()).toEqual([]);
    clock.time = midnight + 11 * HOUR - 1;
    expect(await hours()).toEqual([]);
    clock.time = midnight + 11 * HOUR;
    expect(counts(await hours())).toEqual([20, 20]);
  });

  it("is not told a late sample until five have changed", async () => {
    const scene = await openReleaseScene(midnight + 9 * HOUR + 1);
    const { clock, hourly, daily } = scene;
    await send(scene, "r1", instants(midnight + 8 * HOUR, 20), 60);
    const asked = async () => {
      clock.time += HOUR;
      const [hour] = await ask(scene, hourly, BucketSize.HOUR, midnight, midnight + DAY);
      return [hour!.count, hour!.sum];
    };
    expect(await asked()).toEqual([20, 1_200]);
    for (let late = 0; late < 4; late++) {
      await send(scene, `late.${late}`, [midnight + 8 * HOUR + (30 + late) * MINUTE], 100);
      expect(await asked()).toEqual([20, 1_200]);
    }
    await send(scene, "late", [midnight + 8 * HOUR + 40 * MINUTE], 100);
    expect(await asked()).toEqual([25, 1_700]);
    clock.time = midnight + DAY;
    const days = await ask(scene, daily, BucketSize.DAY, midnight, midnight + DAY);
    expect(days.map(({ count, sum }) => [count, sum])).toEqual([[25, 1_700]]);
  });

  it("is told with the day what was too little for its hours", async () => {
    const scene = await openReleaseScene(midnight + HOUR);
    const { clock, hourly, daily } = scene;
    for (let hour = 0; hour < 12; hour++) {
      await send(scene, `r${hour}`, instants(midnight + hour * HOUR, hour < 3 ? 8 : 2));
    }
    clock.time = midnight + DAY - HOUR;
    expect(counts(await ask(scene, hourly, BucketSize.HOUR, midnight, midnight + DAY))).toEqual([8, 8, 8]);
    expect(await ask(scene, daily, BucketSize.DAY, midnight, midnight + DAY)).toEqual([]);
    clock.time = midnight + DAY;
    expect(counts(await ask(scene, daily, BucketSize.DAY, midnight, midnight + DAY))).toEqual([42]);
    expect(counts(await ask(scene, hourly, BucketSize.HOUR, midnight, midnight + DAY))).toEqual([8, 8, 8]);
    expect(counts(await ask(scene, hourly, BucketSize.DAY, midnight, midnight + DAY))).toEqual([42]);
  });

  it("is told with the day what takes the place of what its day was told with, and nothing of the hour", async () => {
    const scene = await openReleaseScene(midnight);
    const { clock, hourly } = scene;
    for (let hour = 0; hour < 8; hour++)
      await send(scene, `r${hour}`, instants(midnight + hour * HOUR, 3), 60);
    clock.time = midnight + DAY;
    const asked = (size: BucketSize) => ask(scene, hourly, size, midnight, midnight + DAY);
    expect(await asked(BucketSize.DAY)).toMatchObject([{ count: 24, sum: 1_440 }]);
    await send(scene, "again", instants(midnight, 10), 100);
    clock.time += HOUR;
    expect(await asked(BucketSize.DAY)).toMatchObject([{ count: 31, sum: 21 * 60 + 1_000 }]);
    expect(await asked(BucketSize.HOUR)).toEqual([]);
  });

  it("is told no day with one weight, but the month of thirty", async () => {
    const april = Date.UTC(2016, 2, 31, 22);
    const may = april + 30 * DAY;
    const scene = await openReleaseScene(april);
    const { clock, daily } = scene;
    for (let day = 0; day < 30; day++) {
      clock.time = april + day * DAY + 8 * HOUR;
      const one = heartRates(clock.time, [700 + day]);
      await append(scene, `d${day}`, [
        {
          ...one,
          code: { code: WEIGHT },
          unit: "kg",
          values: { case: "decimals", value: { scale: 1, mantissas: [700 + day] } },
        },
      ]);
      expect(await ask(scene, daily, BucketSize.DAY, april, may, WEIGHT)).toEqual([]);
    }
    clock.time = may - 1;
    expect(await ask(scene, daily, BucketSize.MONTH, april, may, WEIGHT)).toEqual([]);
    clock.time = may;
    const months = await ask(scene, daily, BucketSize.MONTH, april, may, WEIGHT);
    expect(months).toMatchObject([{ count: 30, sum: 2_143.5 }]);
    expect(await ask(scene, daily, BucketSize.DAY, april, may, WEIGHT)).toEqual([]);
  });

  it("is told no minimum and no maximum", async () => {
    const scene = await openReleaseScene(midnight);
    await send(scene, "r1", instants(midnight, 20));
    scene.clock.time = midnight + DAY;
    for (const [reader, size] of [
      [scene.hourly, BucketSize.HOUR],
      [scene.hourly, BucketSize.DAY],
      [scene.daily, BucketSize.DAY],
    ] as const) {
      const [bucket] = await ask(scene, reader, size, midnight, midnight + DAY);
      expect(bucket).toMatchObject({ count: 20, sum: 1_200, min: undefined, max: undefined });
    }
  });

  it("gets days of 23 and 25 hours whole, and hours that are repeated each for itself", async () => {
    for (const [start, hours] of [
      [Date.UTC(2016, 2, 26, 23), 23],
      [Date.UTC(2016, 9, 29, 22), 25],
    ] as const) {
      const scene = await openReleaseScene(start);
      await send(scene, "r1", instants(start, hours * 6, 10 * MINUTE));
      scene.clock.time = start + (hours + 1) * HOUR;
      const end = start + hours * HOUR;
      const [day, ...others] = await ask(scene, scene.daily, BucketSize.DAY, start, end);
      expect(others).toEqual([]);
      expect([day!.to - day!.from, day!.count]).toEqual([hours * HOUR, hours * 6]);
      expect(counts(await ask(scene, scene.hourly, BucketSize.HOUR, start, end))).toEqual(
        Array.from({ length: hours }, () => 6),
      );
    }
  });

  it("sees what was sent again in the place of what was, and what was taken back no more", async () => {
    const scene = await openReleaseScene(midnight);
    const { clock, hourly } = scene;
    const asked = async () => {
      clock.time += HOUR;
      return (await ask(scene, hourly, BucketSize.HOUR, midnight, midnight + DAY)).map(({ count, sum }) => [
        count,
        sum,
      ]);
    };
    await send(scene, "r1", instants(midnight, 60), 60);
    expect(await asked()).toEqual([[60, 3_600]]);
    const again = await send(scene, "r2", instants(midnight, 30), 80);
    expect(await asked()).toEqual([[60, 4_200]]);
    await takeBack(scene, again.batch);
    // What had been hidden shows again.
    expect(await asked()).toEqual([[60, 3_600]]);
    const more = await send(scene, "r3", instants(midnight, 60), 70);
    expect(await asked()).toEqual([[60, 4_200]]);
    await takeBack(scene, more.batch);
    expect(await asked()).toEqual([[60, 3_600]]);
  });

  it("is told each part that is taken back, where enough is and enough is left", async () => {
    const scene = await openReleaseScene(midnight);
    const { clock, hourly } = scene;
    const asked = async () => {
      clock.time += HOUR;
      return counts(await ask(scene, hourly, BucketSize.HOUR, midnight, midnight + DAY));
    };
    const parts = [0, 1, 2, 3].map((part) => instants(midnight + part * 10 * MINUTE, 8));
    const receipts = [];
    for (const [i, times] of parts.entries()) receipts.push(await send(scene, `r${i}`, times));
    expect(await asked()).toEqual([32]);
    for (const [i, left] of [24, 16, 8].entries()) {
      await takeBack(scene, receipts[i]!.batch);
      expect(await asked()).toEqual([left]);
    }
  });

  it("is told that an hour is gone when all of it was taken back, but not that its last two samples are left", async () => {
    const scene = await openReleaseScene(midnight);
    const { clock, hourly } = scene;
    const asked = async () => {
      clock.time += HOUR;
      return counts(await ask(scene, hourly, BucketSize.HOUR, midnight, midnight + DAY));
    };
    const most = await send(scene, "most", instants(midnight, 10));
    const rest = await send(scene, "rest", instants(midnight + 30 * MINUTE, 2));
    expect(await asked()).toEqual([12]);
    await takeBack(scene, most.batch);
    expect(await asked()).toEqual([12]);
    await takeBack(scene, rest.batch);
    expect(await asked()).toEqual([]);
  });

  it("is told the same by questions that come at once, and each sample once", async () => {
    const scene = await openReleaseScene(midnight);
    const { clock, hourly, daily } = scene;
    for (let hour = 0; hour < 24; hour++) {
      await send(scene, `r${hour}`, instants(midnight + hour * HOUR, 5 + (hour % 3)));
    }
    clock.time = midnight + DAY + HOUR;
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        ask(scene, i % 2 === 0 ? hourly : daily, BucketSize.DAY, midnight, midnight + DAY),
      ),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(counts(answers[0]!)).toEqual([24 * 6]);
    const hours = await ask(scene, hourly, BucketSize.HOUR, midnight, midnight + DAY);
    expect(counts(hours).reduce((a, b) => a + b)).toBe(24 * 6);
  });

  it("gets raw data where another consent permits it, and lots for the rest", async () => {
    const scene = await openReleaseScene(midnight);
    const { world, patient, clock, daily } = scene;
    await world.grant(patient, {
      organization: daily.organization,
      direction: Direction.READ,
      codes: [HEART_RATE],
      resolution: Resolution.RAW,
      window: { from: midnight, to: midnight + DAY },
    });
    await send(scene, "r1", instants(midnight, 2 * 48, HOUR / 2));
    clock.time = midnight + 3 * DAY;
    const days = await ask(scene, daily, BucketSize.DAY, midnight + HOUR, midnight + 2 * DAY);
    expect(days).toMatchObject([
      { count: 46, min: "60", max: "60", partial: true },
      { count: 48, min: undefined, max: undefined, partial: false },
    ]);
  });

  it("is told nothing of a bucket of which it reads a part raw: the rest may be one sample", async () => {
    const scene = await openReleaseScene(midnight);
    const { world, patient, clock, hourly } = scene;
    await world.grant(patient, {
      organization: hourly.organization,
      direction: Direction.READ,
      codes: [HEART_RATE],
      resolution: Resolution.RAW,
      window: { from: midnight, to: midnight + 2 * HOUR - 1 },
    });
    await send(scene, "r1", instants(midnight, 3 * 60, HOUR / 60));
    clock.time = midnight + 2 * DAY;
    const hours = await ask(scene, hourly, BucketSize.HOUR, midnight, midnight + 3 * HOUR);
    // Of the second hour it reads all but the last millisecond.
    expect(hours.map(({ count, min }) => [count, min])).toEqual([
      [60, "60"],
      [60, undefined],
    ]);
    expect(await ask(scene, hourly, BucketSize.DAY, midnight, midnight + DAY)).toEqual([]);
  });

  it("is told nothing of a bucket of which a sliding window held a part raw, also when it has slid on", async () => {
    const scene = await openReleaseScene(midnight);
    const { world, patient, clock, hourly } = scene;
    await world.grant(patient, {
      organization: hourly.organization,
      direction: Direction.READ,
      codes: [HEART_RATE],
      resolution: Resolution.RAW,
      window: { from: midnight + HOUR / 2, to: midnight + 100 * 365 * DAY },
      lastMs: MINUTE,
    });
    await send(scene, "r1", instants(midnight, 3 * 60, HOUR / 60));
    clock.time = midnight + 2 * DAY;
    const hours = await ask(scene, hourly, BucketSize.HOUR, midnight, midnight + 3 * HOUR);
    expect(hours.map(({ from, count, min }) => [from, count, min])).toEqual([
      [midnight + HOUR, 60, undefined],
      [midnight + 2 * HOUR, 60, undefined],
    ]);
  });
});

describe("docs/contracts.md", () => {
  it("says what hourly and daily readers are told, row by row", async () => {
    const scene = await openReleaseScene(midnight + 8 * HOUR + 30 * MINUTE);
    const { clock, hourly, daily } = scene;
    const eight = midnight + 8 * HOUR;
    const batches: Record<string, string> = {};
    const commit = async (name: string, times: readonly number[], value: number) => {
      batches[name] = (await send(scene, name, times, value)).batch;
    };
    const back = (name: string) => takeBack(scene, batches[name]!);
    const later = async (work: Promise<unknown>) => {
      await work;
      clock.time += HOUR;
    };
    const steps = [
      async () => {
        await commit("first", instants(eight, 60, 50_000), 60);
        clock.time = eight + 59 * MINUTE;
      },
      () => (clock.time = eight + HOUR),
      () => (clock.time = midnight + DAY + 30 * MINUTE),
      () => later(commit("four", instants(eight + 51 * MINUTE, 4), 100)),
      () => later(commit("fifth", [eight + 55 * MINUTE], 100)),
      () => later(commit("again", instants(eight, 60, 50_000), 70)),
      () => later(back("again")),
      () => later(back("first")),
      () => later(back("four")),
      () => later(back("fifth")),
    ];
    const document = await readFile(new URL("../../../docs/contracts.md", import.meta.url), "utf8");
    const section = document.split("## What hourly and daily readers are told")[1]!.split("\n## ")[0]!;
    const rows = section
      .split("\n")
      .filter((line) => line.startsWith("| ") && !line.startsWith("| a provider sends"))
      .map((line) => line.split("|").slice(2, 4));
    expect(rows).toHaveLength(steps.length);
    for (const [i, cells] of rows.entries()) {
      await steps[i]!();
      const [hours, days] = [
        await ask(scene, hourly, BucketSize.HOUR, midnight, midnight + DAY),
        await ask(scene, daily, BucketSize.DAY, midnight, midnight + DAY),
      ];
      for (const [told, cell] of [
        [hours, cells[0]!],
        [days, cells[1]!],
      ] as const) {
        const said = cell.trim().endsWith("nothing") ? [] : [Number(/(\d+) *$/.exec(cell)![1])];
        expect(counts(told), `row ${i + 1}: ${cell}`).toEqual(said);
      }
    }
  });
});
