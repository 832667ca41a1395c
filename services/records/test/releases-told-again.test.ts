import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { describe, expect, it } from "vitest";
import { ask, DAY, HOUR, instants, openReleaseScene, send } from "./release-scene.ts";

const start = Date.UTC(2015, 11, 31, 23); // 1 January 2016, 00:00 in Berlin
const DAYS = 100;

/** Three months of samples each ten minutes, told at any time after. */
async function months() {
  const scene = await openReleaseScene(start + 400 * DAY);
  for (let day = 0; day < DAYS; day += 25) {
    await send(scene, `d${day}`, instants(start + day * DAY, 25 * 144, 10 * 60_000));
  }
  scene.clock.time += DAY;
  const scans: string[] = [];
  scene.world.store.scanning = async (collection) => void scans.push(collection);
  return {
    scene,
    /** The days that are told, and what was scanned for it. */
    async told(first: number, end: number) {
      scans.length = 0;
      const days = await ask(scene, scene.daily, BucketSize.DAY, start + first * DAY, start + end * DAY);
      return { days, scanned: scans.filter((collection) => /block|release/.test(collection)) };
    },
  };
}

describe("what readers of daily data were told", () => {
  it("is told again without a look at what is stored, also a part of it", async () => {
    const { told } = await months();
    const first = await told(0, DAYS);
    expect(first.days).toHaveLength(DAYS);
    expect(first.scanned).not.toEqual([]);
    const again = await told(0, DAYS);
    expect(again).toEqual({ days: first.days, scanned: [] });
    expect(await told(10, 20)).toEqual({ days: first.days.slice(10, 20), scanned: [] });
  });

  it("is looked up once more when an hour has passed", async () => {
    const { scene, told } = await months();
    const { days } = await told(0, DAYS);
    scene.clock.time += HOUR;
    const later = await told(0, DAYS);
    expect(later.days).toEqual(days);
    expect(later.scanned).not.toEqual([]);
  });
});
