import { timestampMs } from "@bufbuild/protobuf/wkt";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { CaptureMethod, Direction, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { randomIds, systemClock } from "@wellapi/runtime";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { createPass } from "../src/compactor.ts";
import { createPatientQueue } from "../src/patient-queue.ts";
import {
  aggregated,
  bySeries,
  DAY,
  decode,
  HOUR,
  itemInit,
  MINUTE,
  type Sample,
  type SentItem,
  START,
  samplesOfSent,
  sentItem,
  seriesOf,
  told,
} from "./overlap-model.ts";
import { resumeTokenAfter, sequencesByBatch } from "./watching.ts";
import { append, HEART_RATE, openScene, queryInit, STEPS, WEIGHT } from "./world.ts";

type Scene = Awaited<ReturnType<typeof openScene>>;
interface Bounds {
  readonly from: number;
  readonly to: number;
}

function compact({ world, patient }: Scene): Promise<void> {
  const { store, vault } = world;
  const deps = {
    store,
    vault,
    queue: createPatientQueue(),
    clock: systemClock,
    ids: randomIds,
    damage: { report() {} },
  };
  return createPass(deps, new AbortController().signal)(patient.partition);
}

function queryOf({ world, clinic, patient }: Scene, bounds: Bounds, code = HEART_RATE) {
  return queryInit(world.idFor(clinic, patient), { ...bounds, code });
}

async function read(scene: Scene, bounds: Bounds, code?: string) {
  const samples: [string, number[]][] = [];
  for await (const { payload } of scene.world.reader(scene.clinic).readSeries(queryOf(scene, bounds, code))) {
    if (payload.case === "series") samples.push(...decode(payload.value));
  }
  return bySeries(samples);
}

/** By pages of a few samples. */
async function paged(scene: Scene, bounds: Bounds, pageSize: number) {
  const samples: [string, number[]][] = [];
  let pageToken = "";
  do {
    const page = await scene.world
      .reader(scene.clinic)
      .querySeries({ ...queryOf(scene, bounds), pageSize, pageToken });
    samples.push(...page.series.flatMap(decode));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return bySeries(samples);
}

async function aggregates(scene: Scene, bounds: Bounds, bucketSize: BucketSize, code?: string) {
  const answer = await scene.world
    .reader(scene.clinic)
    .aggregateSeries({ ...queryOf(scene, bounds, code), bucketSize });
  return Object.fromEntries(
    answer.aggregates.flatMap(({ source, buckets }) =>
      buckets.map(({ startTime, count, sum, min, max }) => {
        const numbers = [Number(count), Number(sum), Number(min), Number(max)];
        return [`${seriesOf(source!)} ${timestampMs(startTime!)}`, numbers];
      }),
    ),
  );
}

/** What a watch delivers that goes on after a commit, up to the commit `last`: each sample as text. */
async function watched(scene: Scene, after: number, last: number) {
  const { world, clinic, patient } = scene;
  const { code, purpose, patient: id } = queryInit(world.idFor(clinic, patient), {});
  const ends = new AbortController();
  onTestFinished(() => ends.abort());
  const query = { patient: id, purpose, codes: [code] };
  const sequences = await sequencesByBatch(scene, last);
  const resumeToken = resumeTokenAfter(scene, query, after);
  const stream = world.reader(clinic).watchSeries({ ...query, resumeToken }, { signal: ends.signal });
  const seen: string[] = [];
  try {
    for await (const { payload } of stream) {
      if (payload.case !== "series") continue;
      const sequence = sequences.get(payload.value.batch)!;
      seen.push(...decode(payload.value).map(([series, sample]) => `${sequence} ${series} ${sample}`));
      if (sequence >= last) ends.abort();
    }
  } catch (error) {
    if (!ends.signal.aborted) throw error;
  }
  return seen.sort();
}

interface Sent {
  readonly id: string;
  readonly sequence: number;
  readonly samples: Sample[];
  gone: boolean;
}

/** A patient of their own, with what was sent for them. */
async function createHistory(scene: Scene) {
  const patient = scene.world.patient();
  for (const [{ organization }, direction] of [
    [scene.maker, Direction.CONTRIBUTE],
    [scene.clinic, Direction.READ],
  ] as const) {
    await scene.world.grant(patient, { organization, direction, codes: [HEART_RATE] });
  }
  const own: Scene = { ...scene, patient };
  const batches: Sent[] = [];
  let values = 1;
  return {
    scene: own,
    batches,
    left: () => batches.filter(({ gone }) => !gone).flatMap(({ samples }) => samples),
    async send(items: readonly SentItem[]): Promise<Sent> {
      const firsts = items.map(({ starts }) => {
        values += starts.length;
        return values - starts.length;
      });
      const receipt = await append(
        own,
        `r${batches.length}`,
        items.map((item, i) => itemInit(item, firsts[i]!)),
      );
      expect(receipt.items.flatMap(({ violations }) => violations)).toEqual([]);
      const sequence = Number(receipt.sequence);
      const samples = items.flatMap((item, i) => samplesOfSent(item, firsts[i]!, sequence, i));
      const sent = { id: receipt.batch, sequence, samples, gone: false };
      batches.push(sent);
      return sent;
    },
    async retract(sent: Sent): Promise<void> {
      if (sent.gone) return;
      const reason = RetractionReason.ENTERED_IN_ERROR;
      const retraction = { patient: own.world.idFor(own.maker, patient), batch: sent.id, reason };
      await own.world.writer(own.maker).retractBatch({ retraction });
      sent.gone = true;
    },
  };
}

const everything = { from: START - 40 * DAY, to: START + 40 * DAY };

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

describe("lines that are never one", () => {
  const mine = (
    code: string,
    unit: string,
    mantissas: number[],
    granularity: Granularity,
    method: CaptureMethod,
  ) => ({
    ...itemInit(
      {
        starts: mantissas.map((_, i) => i * MINUTE),
        durations: mantissas.map(() => (granularity === Granularity.HOUR ? HOUR : MINUTE)),
        device: false,
        model: "",
        method,
        granularity,
        scale: 0,
      },
      1,
    ),
    code: { code },
    unit,
    values: { case: "decimals" as const, value: { mantissas, scale: unit === "kg" ? 1 : 0 } },
  });
  const hour = { from: START, to: START + HOUR };

  it("sixty minutes of 10 steps and an hour of 650 are 600 and 650, never 1,240", async () => {
    const scene = await openScene({ codes: [STEPS] });
    const sixty = Array.from({ length: 60 }, () => 10);
    await append(scene, "minutes", [mine(STEPS, "{steps}", sixty, Granularity.MINUTE, CaptureMethod.SENSED)]);
    await append(scene, "hour", [mine(STEPS, "{steps}", [650], Granularity.HOUR, CaptureMethod.SENSED)]);
    for (let i = 0; i < 2; i++) {
      const told = await aggregates(scene, hour, BucketSize.HOUR, STEPS);
      expect(
        Object.values(told)
          .map(([count, sum]) => [count, sum])
          .sort(),
      ).toEqual([
        [1, 650],
        [60, 600],
      ]);
      await compact(scene);
    }
  });

  it("a clinician's 80.0 kg and a self-reported 70.0 kg are two lines, without a device, too", async () => {
    const scene = await openScene();
    await append(scene, "clinic", [mine(WEIGHT, "kg", [800], Granularity.INSTANT, CaptureMethod.CLINICIAN)]);
    await append(scene, "self", [
      mine(WEIGHT, "kg", [700], Granularity.INSTANT, CaptureMethod.SELF_REPORTED),
    ]);
    const values = Object.values(await read(scene, hour, WEIGHT)).flat();
    expect(values.map(([, , value]) => value).sort()).toEqual([70, 80]);
    const told = await aggregates(scene, hour, BucketSize.DAY, WEIGHT);
    expect(
      Object.values(told)
        .map(([count, sum]) => [count, sum])
        .sort(),
    ).toEqual([
      [1, 70],
      [1, 80],
    ]);
  });
});
