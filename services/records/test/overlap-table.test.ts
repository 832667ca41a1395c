import { readFileSync } from "node:fs";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { HOUR, itemInit, MINUTE, type SentItem, START } from "./overlap-model.ts";
import { aggregates, compact, createHistory, everything, read } from "./overlap-scene.ts";
import { append, openScene, STEPS, WEIGHT } from "./world.ts";

type History = Awaited<ReturnType<typeof createHistory>>;

function item(
  samples: readonly (readonly [minute: number, minutes: number])[],
  granularity: Granularity,
): SentItem {
  return {
    starts: samples.map(([minute]) => minute * MINUTE),
    durations: samples.map(([, minutes]) => minutes * MINUTE),
    device: true,
    model: "Band",
    method: CaptureMethod.SENSED,
    granularity,
    scale: 0,
  };
}

const episode = (minute: number, minutes: number) => item([[minute, minutes]], Granularity.EPISODE);
const minutesFrom = (first: number, count: number) =>
  item(
    Array.from({ length: count }, (_, i) => [first + i, 1] as const),
    Granularity.MINUTE,
  );

/** What a reader gets of each line before and after a compaction: [minute, minutes, value]. */
async function lines({ scene }: History): Promise<number[][][]> {
  const tell = async () =>
    Object.values(await read(scene, everything)).map((line) =>
      line.map(([start, duration, value]) => [(start! - START) / MINUTE, duration! / MINUTE, value!]),
    );
  const before = await tell();
  await compact(scene);
  expect(await tell()).toEqual(before);
  return before;
}

/** Count and sum of each line in the first hour, likewise. */
async function sums(code: string, unit: string, sent: readonly [SentItem, number[]][]): Promise<number[][]> {
  const scene = await openScene({ codes: [code] });
  for (const [i, [one, mantissas]] of sent.entries()) {
    const values = { case: "decimals" as const, value: { mantissas, scale: one.scale } };
    await append(scene, `r${i}`, [{ ...itemInit(one, 1), code: { code }, unit, values }]);
  }
  const tell = async () =>
    Object.values(await aggregates(scene, { from: START, to: START + HOUR }, BucketSize.HOUR, code))
      .map(([count, sum]) => [count!, sum!])
      .sort(([, a], [, b]) => a! - b!);
  const before = await tell();
  await compact(scene);
  expect(await tell()).toEqual(before);
  return before;
}

async function historyOf(...batches: readonly (readonly SentItem[])[]): Promise<History> {
  const history = await createHistory(await openScene());
  for (const items of batches) await history.send(items);
  return history;
}

/** A row of the table in docs/contracts.md, by what is sent. */
const rows: Readonly<Record<string, () => Promise<void>>> = {
  "sixty minutes of 10 steps, granularity minute; an hour of 650, granularity hour; one device": async () => {
    const sixty: [SentItem, number[]] = [minutesFrom(0, 60), Array.from({ length: 60 }, () => 10)];
    const hour: [SentItem, number[]] = [item([[0, 60]], Granularity.HOUR), [650]];
    expect(await sums(STEPS, "{steps}", [sixty, hour])).toEqual([
      [60, 600],
      [1, 650],
    ]);
  },
  "80.0 kg by a clinician; 70.0 kg by the patient; no device": async () => {
    const weight = { ...item([[0, 0]], Granularity.INSTANT), device: false, scale: 1 };
    const told = await sums(WEIGHT, "kg", [
      [{ ...weight, method: CaptureMethod.CLINICIAN }, [800]],
      [{ ...weight, method: CaptureMethod.SELF_REPORTED }, [700]],
    ]);
    expect(told).toEqual([
      [1, 70],
      [1, 80],
    ]);
  },
  "a night of minutes; its last hour once more, corrected": async () => {
    const [night] = await lines(await historyOf([minutesFrom(0, 480)], [minutesFrom(420, 60)]));
    expect(night).toEqual(Array.from({ length: 480 }, (_, i) => [i, 1, i < 420 ? i + 1 : 480 + i - 420 + 1]));
  },
  "8:00 to 9:00; 8:30 to 9:30; both of granularity episode": async () => {
    expect(await lines(await historyOf([episode(0, 60)], [episode(30, 60)]))).toEqual([[[30, 60, 2]]]);
  },
  "the same, then 9:20 to 9:40": async () => {
    const history = await historyOf([episode(0, 60)], [episode(30, 60)], [episode(80, 20)]);
    expect(await lines(history)).toEqual([[[80, 20, 3]]]);
  },
  "the same, then the second batch is retracted": async () => {
    const history = await historyOf([episode(0, 60)], [episode(30, 60)], [episode(80, 20)]);
    await lines(history);
    await history.retract(history.batches[1]!);
    expect(await lines(history)).toEqual([
      [
        [0, 60, 1],
        [80, 20, 3],
      ],
    ]);
  },
  "a mean over five minutes each minute, in one item": async () => {
    const means = Array.from({ length: 10 }, (_, i) => [i, 5] as const);
    const [told] = await lines(await historyOf([item(means, Granularity.EPISODE)]));
    expect(told).toEqual(means.map(([minute, length], i) => [minute, length, i + 1]));
  },
  "one batch with two items of the same minutes": async () => {
    const [told] = await lines(await historyOf([minutesFrom(0, 3), minutesFrom(0, 3)]));
    expect(told).toEqual([
      [0, 1, 4],
      [1, 1, 5],
      [2, 1, 6],
    ]);
  },
};

describe("what docs/contracts.md says is shown where samples overlap", () => {
  const text = readFileSync(new URL("../../../docs/contracts.md", import.meta.url), "utf8");
  const [, section = ""] = text.split("## What is shown where samples overlap\n");
  const table = section
    .split("\n## ")[0]!
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(1)
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map(([, sent, told]) => [sent!, told!] as const);

  it("is what the rows here try", () => {
    expect(table.map(([sent]) => sent)).toEqual(Object.keys(rows));
  });

  it.each(table)("%s: %s", async (sent) => {
    await rows[sent]!();
  });
});
