import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { randomIds, systemClock } from "@wellapi/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPatientQueue } from "../src/blocks/patient-queue.ts";
import { createPass } from "../src/compaction/compaction-pass.ts";
import {
  ask,
  DAY,
  HOUR,
  MINUTE,
  newPatient,
  openReleaseScene,
  type ReleaseScene,
  send,
  type ToldBucket,
  takeBack,
} from "./release-scene.ts";

/** Fewest samples: small, so that a run of some fifty samples has many lots. */
const LEAST = 3;
/** A sum of so many different powers of two says which they are. */
const SAMPLES = 52;
/** Friday 29 April 2016, 00:00 in Berlin: days, a week and a month end soon. */
const start = Date.UTC(2016, 3, 28, 22);
const horizon = { from: start - 3 * DAY, to: start + 70 * DAY };

interface Sent {
  readonly time: number;
  /** When its commit was made. */
  readonly committed: number;
}

/** Which samples an answer sums: bit `i` for sample `i`. */
type Vector = bigint;

interface Answer extends ToldBucket {
  readonly asked: number;
  readonly vector: Vector;
  readonly size: BucketSize;
}

const sizes = {
  hourly: [BucketSize.HOUR, BucketSize.DAY, BucketSize.WEEK, BucketSize.MONTH],
  daily: [BucketSize.DAY, BucketSize.WEEK, BucketSize.MONTH],
} as const;

const hours = [0, 1, 2, 9, 22, 24, 25, 26, 47, 50];
const zones = ["Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland", "America/St_Johns"];

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      hour: fc.constantFrom(...hours),
      minutes: fc.uniqueArray(fc.constantFrom(0, 5, 10, 15, 29, 30, 31, 45, 59), {
        minLength: 1,
        maxLength: 6,
      }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("retract" as const), which: fc.nat(20) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      ms: fc.constantFrom(20 * MINUTE, HOUR, HOUR, 7 * HOUR, DAY, 3 * DAY, 30 * DAY),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("ask" as const),
      reader: fc.constantFrom("hourly" as const, "daily" as const),
      size: fc.nat(3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("move" as const), zone: fc.constantFrom(...zones) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("compact" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Does what the steps say, and writes down every answer. */
async function play(scene: ReleaseScene, steps: readonly Step[]) {
  const { world, clock, patient } = scene;
  const sent: Sent[] = [];
  const batches: string[] = [];
  const answers: Answer[] = [];
  const { store, vault } = world;
  const compact = createPass(
    {
      store,
      vault,
      queue: createPatientQueue(),
      clock: systemClock,
      ids: randomIds,
      damage: { report() {} },
    } as never,
    new AbortController().signal,
  );

  async function asking(reader: "hourly" | "daily", size: BucketSize) {
    const buckets = await ask(scene, scene[reader], size, horizon.from, horizon.to);
    for (const bucket of buckets)
      answers.push({ ...bucket, asked: clock.time, vector: BigInt(bucket.sum), size });
  }

  for (const [i, one] of steps.entries()) {
    switch (one.kind) {
      case "send": {
        const { hour, minutes } = one;
        const times = minutes.sort((a, b) => a - b).map((minute) => start + hour * HOUR + minute * MINUTE);
        if (sent.length + times.length > SAMPLES) break;
        const values = times.map((_, at) => 2 ** (sent.length + at));
        for (const time of times) sent.push({ time, committed: clock.time });
        batches.push((await send(scene, `r${i}`, times, values)).batch);
        break;
      }
      case "retract":
        if (batches.length > 0) await takeBack(scene, batches.splice(one.which % batches.length, 1)[0]!);
        break;
      case "wait":
        clock.time += one.ms;
        break;
      case "ask":
        await asking(one.reader, sizes[one.reader][one.size % sizes[one.reader].length]!);
        break;
      case "move":
        world.patients.set(patient.partition, { zones: [{ zone: one.zone }] });
        break;
      case "compact":
        if (sent.length > 0) await compact(patient.partition);
    }
  }
  for (const reader of ["hourly", "daily"] as const)
    for (const size of sizes[reader]) await asking(reader, size);
  return { sent, answers };
}

function bitsOf(vector: Vector): number {
  let bits = 0;
  for (let left = vector; left > 0n; left &= left - 1n) bits++;
  return bits;
}

/** What was learned, as whole numbers a sample. */
type Learned = Int32Array;

function learnedFrom(vector: Vector): Learned {
  return Int32Array.from({ length: SAMPLES }, (_, i) => Number((vector >> BigInt(i)) & 1n));
}

function less(a: Learned, b: Learned, times: number): Learned {
  return a.map((value, i) => value - times * b[i]!);
}

function supportOf(learned: Learned): number {
  return learned.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
}

/**
 * What comes of the answers by adding and subtracting them: each is made as small as it gets by each other, over and
 * over, and everything on the way is looked at. Returns the fewest samples of anything that was not nothing.
 */
function fewestLearned(learned: readonly Learned[]): number {
  let fewest = Number.POSITIVE_INFINITY;
  const look = (one: Learned) => {
    const support = supportOf(one);
    if (support > 0) fewest = Math.min(fewest, support);
    return support;
  };
  const basis = [...new Map(learned.map((one) => [one.join(), one])).values()];
  const sizes = basis.map(look);
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = 0; i < basis.length; i++) {
      for (let j = 0; j < basis.length; j++) {
        if (i === j || sizes[j] === 0) continue;
        for (const times of [1, -1]) {
          const next = less(basis[i]!, basis[j]!, times);
          const size = look(next);
          if (size >= sizes[i]!) continue;
          basis[i] = next;
          sizes[i] = size;
          changed = true;
        }
      }
    }
  }
  return fewest;
}

/** A bucket less those of another answer that lie in it. */
function rests(answers: readonly Answer[]): Learned[] {
  const groups = Map.groupBy(answers, ({ asked, size }) => `${asked} ${size}`);
  return answers.flatMap((whole) =>
    [...groups.values()].map((parts) =>
      parts
        .filter(({ from, to, size }) => size < whole.size && from >= whole.from && to <= whole.to)
        .reduce((rest, { vector }) => less(rest, learnedFrom(vector), 1), learnedFrom(whole.vector)),
    ),
  );
}

describe("somebody who keeps every answer and subtracts them from each other", () => {
  it("never comes to fewer samples than are told together", async () => {
    const scene = await openReleaseScene(start, { releaseMinimum: LEAST });
    let told = 0;
    let changed = 0;
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 12, maxLength: 45, size: "max" }),
      async (steps) => {
        const run = { ...scene, ...(await newPatient(scene.world, scene.maker)) };
        run.clock.time = start + 3 * HOUR + 10 * MINUTE;
        const { sent, answers } = await play(run, steps);
        told += answers.length;
        changed += new Set(answers.map(({ vector }) => vector)).size;
        for (const { from, to, count, min, max, vector, asked } of answers) {
          const instant = Math.floor(asked / HOUR) * HOUR;
          expect(to).toBeLessThanOrEqual(instant);
          expect([count, min, max]).toEqual([bitsOf(vector), undefined, undefined]);
          expect(count).toBeGreaterThanOrEqual(LEAST);
          for (const [i, { time, committed }] of sent.entries()) {
            if (((vector >> BigInt(i)) & 1n) === 0n) continue;
            expect(time >= from && time < to, "a sample of the bucket").toBe(true);
            expect(committed, "a sample as of the instant").toBeLessThan(instant);
          }
        }
        const all = answers.map(({ vector }) => learnedFrom(vector));
        expect(fewestLearned([...all, ...rests(answers)])).toBeGreaterThanOrEqual(LEAST);
      },
    );
    await fc.assert(property, { numRuns: 25, endOnFailure: true });
    // It was told something to subtract.
    expect(told).toBeGreaterThan(80);
    expect(changed).toBeGreaterThan(25);
  }, 300_000);
});
