import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aggregated, DAY, HOUR, MINUTE, type SentItem, START, sentItem, told } from "./overlap-model.ts";
import {
  aggregates,
  type Bounds,
  compact,
  createHistory,
  everything,
  paged,
  queryOf,
  read,
  watched,
} from "./overlap-scene.ts";
import { openScene } from "./world.ts";

const bounds = fc
  .tuple(fc.integer({ min: -30, max: 240 }), fc.integer({ min: 1, max: 240 }))
  .map(([from, length]) => ({ from: START + from * MINUTE, to: START + (from + length) * MINUTE }));

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      items: fc.array(sentItem, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("compact" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("retract" as const), which: fc.nat(20) }) },
);

describe("what is shown where samples overlap", () => {
  it("is what the rule says, however it is stored, read and taken back", async () => {
    const scene = await openScene();
    const property = fc.asyncProperty(
      fc.array(fc.tuple(step, bounds), { minLength: 4, maxLength: 9 }),
      fc.nat(8),
      async (steps, from) => {
        const history = await createHistory(scene);
        const { scene: own, batches } = history;
        for (const [one, asked] of steps) {
          if (one.kind === "compact") await compact(own);
          if (one.kind === "send") await history.send(one.items);
          if (one.kind === "retract" && batches.length > 0) {
            await history.retract(batches[one.which % batches.length]!);
          }
          const left = history.left();
          expect(await read(own, asked)).toEqual(told(left, asked.from, asked.to));
          expect(await aggregates(own, asked, BucketSize.HOUR)).toEqual(
            aggregated(left, asked.from, asked.to, HOUR),
          );
        }
        const left = history.left();
        const { from: first, to: last } = everything;
        expect(await read(own, everything)).toEqual(told(left, first, last));
        const [, middle] = steps[0]!;
        expect(await paged(own, middle, 7)).toEqual(told(left, middle.from, middle.to));
        expect(await aggregates(own, middle, BucketSize.MINUTE)).toEqual(
          aggregated(left, middle.from, middle.to, MINUTE),
        );
        const end = await history.send([stages]);
        const after = batches[from % batches.length]!.sequence;
        const expected = history.left().filter(({ sequence }) => sequence > after);
        if (after === end.sequence) return;
        expect(await watched(own, after, end.sequence)).toEqual(
          expected
            .map(
              ({ sequence, series, start, duration, value }) =>
                `${sequence} ${series} ${start},${duration},${value}`,
            )
            .sort(),
        );
      },
    );
    await fc.assert(property, { numRuns: 25, endOnFailure: false });
  }, 120_000);

  const minutes = (first: number, count: number, rest: Partial<SentItem> = {}): SentItem => ({
    starts: Array.from({ length: count }, (_, i) => (first + i) * MINUTE),
    durations: Array.from({ length: count }, () => MINUTE),
    device: true,
    model: "Band",
    method: CaptureMethod.SENSED,
    granularity: Granularity.MINUTE,
    scale: 0,
    ...rest,
  });
  const one = (start: number, duration: number, rest: Partial<SentItem> = {}): SentItem => ({
    ...minutes(0, 1, rest),
    starts: [start],
    durations: [duration],
  });
  /** Of a night: three lengths in one item. */
  const stages: SentItem = {
    ...minutes(0, 0),
    starts: [0, 20 * MINUTE, 21 * MINUTE],
    durations: [20 * MINUTE, MINUTE, 90 * MINUTE],
    granularity: Granularity.EPISODE,
  };

  /** After each step, before and after a compaction, all that is left is told by the rule. */
  async function holds(history: Awaited<ReturnType<typeof createHistory>>, asked: Bounds = everything) {
    for (let i = 0; i < 2; i++) {
      expect(await read(history.scene, asked)).toEqual(told(history.left(), asked.from, asked.to));
      await compact(history.scene);
    }
  }

  it("keeps the durations of an item, and sends them one by one only where they differ", async () => {
    const history = await createHistory(await openScene());
    await history.send([stages, minutes(200, 3, { granularity: Granularity.EPISODE })]);
    await holds(history);
    const messages = [];
    const reader = history.scene.world.reader(history.scene.clinic);
    for await (const { payload } of reader.readSeries(queryOf(history.scene, everything))) {
      if (payload.case === "series") messages.push(payload.value.series!);
    }
    const durations = messages.map(({ times }) => [times!.durationMs, times!.durationsMs]);
    expect(durations).toEqual([[0, [20, 1, 90, 1, 1, 1].map((length) => length * MINUTE)]]);
  });

  it("of two items of one batch is the later item's, also after compactions and when others are taken back", async () => {
    const history = await createHistory(await openScene());
    const before = await history.send([minutes(0, 10)]);
    // The models keep the items in blocks of their own.
    await history.send([minutes(0, 10, { model: "Ring" }), minutes(0, 10), minutes(5, 1, { model: "Ring" })]);
    const after = await history.send([minutes(3, 2)]);
    await holds(history);
    await history.retract(after);
    await holds(history);
    await history.retract(before);
    await holds(history);
  });

  it("is what hidden samples leave of it: they hide others, until they are taken back", async () => {
    const history = await createHistory(await openScene());
    const [a, b, c] = [one(0, HOUR), one(30 * MINUTE, HOUR), one(80 * MINUTE, HOUR)];
    await history.send([a]);
    const middle = await history.send([b, { ...one(12 * HOUR, HOUR) }]);
    await history.send([c]);
    expect(Object.values(told(history.left(), everything.from, everything.to)).flat()).toHaveLength(2);
    await holds(history);
    // Only of the block that a compaction made of the other two does a later one know what is hidden in it.
    const ring = await history.send([one(20 * MINUTE, 20 * MINUTE, { model: "Ring" })]);
    await holds(history);
    await history.retract(ring);
    await holds(history);
    await history.retract(middle);
    expect(Object.values(told(history.left(), everything.from, everything.to)).flat()).toHaveLength(2);
    await holds(history);
  });

  it("is what hidden samples leave of other blocks, too", async () => {
    const history = await createHistory(await openScene());
    // A compaction puts the last two into one block, whose first layer does not reach the first.
    await history.send([one(60 * MINUTE, 15 * MINUTE, { model: "Ring" })]);
    await history.send([one(30 * MINUTE, HOUR)]);
    const last = await history.send([one(80 * MINUTE, 20 * MINUTE)]);
    expect(Object.values(told(history.left(), everything.from, everything.to))).toEqual([
      [[START + 80 * MINUTE, 20 * MINUTE, 3]],
    ]);
    await holds(history);
    await holds(history, { from: START + HOUR, to: START + 61 * MINUTE });
    await history.retract(last);
    await holds(history);
  });

  it("finds hidden samples where they begin and end, not where what hides them does", async () => {
    const history = await createHistory(await openScene());
    const ring = { model: "Ring" };
    await history.send([one(40 * MINUTE, 10 * MINUTE, ring)]);
    await history.send([one(5 * HOUR, 15 * MINUTE, ring)]);
    await history.send([one(30 * MINUTE, 10 * HOUR)]);
    await history.send([one(80 * MINUTE, 20 * MINUTE)]);
    const [early, late] = [
      { from: START + 40 * MINUTE, to: START + 50 * MINUTE },
      { from: START + 5 * HOUR, to: START + 6 * HOUR },
    ];
    for (const asked of [early, late, early, late]) {
      expect(told(history.left(), asked.from, asked.to)).toEqual({});
      await holds(history, asked);
    }
  });

  it("is counted by the hour without what begins after the hour and hides something in it", async () => {
    const history = await createHistory(await openScene());
    const means = { ...minutes(0, 60), durations: Array.from({ length: 60 }, () => 5 * MINUTE) };
    await history.send([means]);
    await compact(history.scene);
    const hour = { from: START, to: START + HOUR };
    expect(await aggregates(history.scene, hour, BucketSize.HOUR)).toEqual(
      aggregated(history.left(), hour.from, hour.to, HOUR),
    );
    await history.send([minutes(61, 5)]);
    const [numbers] = Object.values(await aggregates(history.scene, hour, BucketSize.HOUR));
    // Those of minutes 57 to 59 reach into minute 61.
    expect(numbers![0]).toBe(57);
    await holds(history);
  });

  it("looks back as far as a block may reach, and ahead as far as a sample does", async () => {
    const history = await createHistory(await openScene());
    await history.send([minutes(0, 30)]);
    // Its block begins 31 days before its last sample ends, which began 11 days after the first.
    await history.send([
      {
        ...one(0, 0),
        starts: [-31 * DAY, -20 * DAY],
        durations: [MINUTE, 20 * DAY + 10 * MINUTE],
      },
    ]);
    const asked = { from: START, to: START + HOUR };
    expect(Object.values(told(history.left(), asked.from, asked.to)).flat()).toHaveLength(20);
    await holds(history, asked);
    await history.send([minutes(25, 1, { model: "Ring" })]);
    const until = { from: START - 30 * DAY, to: START + 25 * MINUTE };
    await holds(history, until);
    const early = { from: START - 20 * DAY, to: START - 19 * DAY };
    expect(told(history.left(), early.from, early.to)).not.toEqual({});
    await holds(history, early);
    await history.send([one(9 * MINUTE, MINUTE)]);
    expect(told(history.left(), early.from, early.to)).toEqual({});
    await holds(history, early);
  });
});
