import { setTimeout as pause } from "node:timers/promises";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ObservationStatus } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { describe, expect, it } from "vitest";
import { append, heartRates, openScene, queryInit, samplesOf } from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const SECOND = 1_000;
/** Longer than what is open for a reader is kept. */
const pauseMs = 700;

type Scene = Awaited<ReturnType<typeof openScene>>;

async function read({ world, clinic, patient }: Scene, afterMessage: () => Promise<unknown>) {
  const seen: [number, number][] = [];
  let messages = 0;
  for await (const { payload } of world
    .reader(clinic)
    .readSeries(queryInit(world.idFor(clinic, patient), {}))) {
    if (payload.case === "series") {
      messages += 1;
      seen.push(...samplesOf(payload.value.series!));
      await afterMessage();
    }
  }
  return { seen, messages };
}

describe("a reader that pauses between messages", () => {
  it("gets each sample once: of series, and of observations that share a time", async () => {
    const scene = await openScene({ codes: ["8867-4"] });
    const { world, maker, patient } = scene;
    await append(scene, "r1", [
      heartRates(
        T0,
        Array.from({ length: 25_000 }, (_, i) => 60 + (i % 50)),
        SECOND,
      ),
    ]);
    const rate = (time: number, value: string) => ({
      code: { code: "8867-4" },
      status: ObservationStatus.FINAL,
      effective: { case: "effectiveTime" as const, value: timestampFromMs(time) },
      utcOffsetMinutes: 120,
      value: { case: "quantity" as const, value: { value, unit: "/min" } },
    });
    const observations = [rate(T0, "70"), rate(T0, "71"), rate(T0 + 1, "72"), rate(T0 + 1, "73")];
    const batch = { requestId: "o1", patient: world.idFor(maker, patient), observations };
    await world.writer(maker).appendObservations({ batch });
    const whole = await read(scene, async () => {});
    expect(whole.seen).toHaveLength(25_004);
    expect(whole.messages).toBeGreaterThanOrEqual(5);
    const paused = await read(scene, () => pause(pauseMs));
    expect(paused.seen).toEqual(whole.seen);
  }, 30_000);

  it("gets also what is committed ahead of it meanwhile", async () => {
    const scene = await openScene({ codes: ["8867-4"] });
    await append(scene, "r1", [
      heartRates(
        T0,
        Array.from({ length: 15_000 }, () => 60),
        SECOND,
      ),
    ]);
    let sent = false;
    const { seen } = await read(scene, async () => {
      if (sent) return;
      sent = true;
      await append(scene, "r2", [heartRates(T0 + 15_000 * SECOND, [61])]);
      await pause(pauseMs);
    });
    expect(seen).toHaveLength(15_001);
    expect(seen.at(-1)).toEqual([T0 + 15_000 * SECOND, 61]);
  });
});
