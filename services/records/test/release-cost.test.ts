import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Direction, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { ask, DAY, MINUTE, openReleaseScene, send } from "./release-scene.ts";
import { application, HEART_RATE } from "./world.ts";

const start = Date.UTC(2015, 11, 31, 23); // 1 January 2016, 00:00 in Berlin
const DAYS = 366;

describe("a year of minutes by day", () => {
  it("is told again about as fast as it is read raw, and the first time in seconds", async () => {
    const scene = await openReleaseScene(start + 400 * DAY, { compactAfterMs: 50 });
    const { world, patient, daily } = scene;
    const raw = application();
    await world.grant(patient, {
      organization: raw.organization,
      direction: Direction.READ,
      codes: [HEART_RATE],
      resolution: Resolution.RAW,
    });
    const minutes = (DAY / MINUTE) * 10;
    for (let day = 0; day < DAYS; day += 10) {
      const count = Math.min(minutes, (DAYS - day) * (DAY / MINUTE));
      const times = Array.from({ length: count }, (_, i) => start + day * DAY + i * MINUTE);
      await send(
        scene,
        `d${day}`,
        times,
        times.map((_, i) => 60 + ((i * 7) % 50)),
      );
    }
    scene.clock.time += DAY;
    const timed = async (reader: typeof raw) => {
      const began = performance.now();
      const days = await ask(scene, reader, BucketSize.DAY, start, start + DAYS * DAY);
      expect(days).toHaveLength(DAYS);
      return performance.now() - began;
    };
    const first = await timed(daily);
    await timed(raw);
    const again: number[] = [];
    const againRaw: number[] = [];
    for (let i = 0; i < 15; i++) {
      again.push(await timed(daily));
      againRaw.push(await timed(raw));
    }
    const median = (of: number[]) => of.sort((a, b) => a - b)[of.length >> 1]!;
    expect(first).toBeLessThan(30_000);
    expect(median(again)).toBeLessThan(2 * median(againRaw) + 5);
  }, 180_000);
});
