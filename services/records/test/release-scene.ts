import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import type { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Direction, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Clock } from "@wellapi/runtime";
import {
  append,
  application,
  HEART_RATE,
  heartRates,
  openWorld,
  queryInit,
  type TestApplication,
  type TestPatient,
  WEIGHT,
  type World,
  type WorldOptions,
} from "./world.ts";

export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export interface MovedClock extends Clock {
  /** UTC milliseconds. */
  time: number;
}

export function movedClock(time: number): MovedClock {
  return {
    time,
    now() {
      return this.time;
    },
    // What is remembered for seconds is forgotten when hours pass.
    monotonic() {
      return this.time + performance.now();
    },
  };
}

/** A bucket as a reader gets it. */
export interface ToldBucket {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly sum: number;
  readonly min: string | undefined;
  readonly max: string | undefined;
  readonly partial: boolean;
}

export interface ReleaseScene {
  readonly world: World;
  readonly clock: MovedClock;
  readonly maker: TestApplication;
  readonly patient: TestPatient;
  readonly hourly: TestApplication;
  readonly daily: TestApplication;
}

/** A maker, a reader of hourly data and one of daily data, and a clock that tests move. */
export async function openReleaseScene(
  start: number,
  options: WorldOptions & { readonly zone?: string } = {},
): Promise<ReleaseScene> {
  const clock = movedClock(start);
  const world = await openWorld({ ...options, clock });
  const maker = application();
  return { world, clock, maker, ...(await newPatient(world, maker, options.zone)) };
}

export async function newPatient(world: World, maker: TestApplication, zone = "Europe/Berlin") {
  const hourly = application();
  const daily = application();
  const patient = world.patient([{ zone }]);
  const codes = [HEART_RATE, WEIGHT];
  await world.grant(patient, {
    organization: maker.organization,
    direction: Direction.CONTRIBUTE,
    codes,
  });
  for (const [reader, resolution] of [
    [hourly, Resolution.HOURLY],
    [daily, Resolution.DAILY],
  ] as const) {
    const { organization } = reader;
    await world.grant(patient, { organization, direction: Direction.READ, codes, resolution });
  }
  return { patient, hourly, daily };
}

/** Sends samples at instants of their own, all of one value or one each. */
export function send(
  scene: Pick<ReleaseScene, "world" | "maker" | "patient">,
  requestId: string,
  times: readonly number[],
  values: number | readonly number[] = 60,
) {
  const sorted = [...times].sort((a, b) => a - b);
  const mantissas = typeof values === "number" ? sorted.map(() => values) : values;
  const rates = heartRates(sorted[0]!, mantissas);
  const gapsMs = sorted.slice(1).map((time, i) => time - sorted[i]!);
  const spacing = { case: "gaps" as const, value: { gapsMs } };
  return append(scene, requestId, [
    { ...rates, times: { ...rates.times, ...(sorted.length > 1 ? { spacing } : {}) } },
  ]);
}

export async function takeBack(
  { world, maker, patient }: Pick<ReleaseScene, "world" | "maker" | "patient">,
  batch: string,
) {
  const reason = RetractionReason.ENTERED_IN_ERROR;
  await world.writer(maker).retractBatch({
    retraction: {
      patient: world.idFor(maker, patient),
      target: { case: "batch" as const, value: batch },
      reason,
    },
  });
}

/** One sample each `every`, from `from` on. */
export function instants(from: number, count: number, every = MINUTE): number[] {
  return Array.from({ length: count }, (_, i) => from + i * every);
}

/** What a reader is told of the one series that there is. */
export async function ask(
  { world, patient }: Pick<ReleaseScene, "world" | "patient">,
  reader: TestApplication,
  bucketSize: BucketSize,
  from: number,
  to: number,
  code = HEART_RATE,
): Promise<ToldBucket[]> {
  const { aggregates } = await world.reader(reader).aggregateSeries({
    ...queryInit(world.idFor(reader, patient), { code }),
    interval: { startTime: timestampFromMs(from), endTime: timestampFromMs(to) },
    bucketSize,
  });
  if (aggregates.length > 1) throw new Error("one series was expected");
  return (aggregates[0]?.buckets ?? []).map(({ startTime, endTime, count, sum, min, max, partial }) => ({
    from: timestampMs(startTime!),
    to: timestampMs(endTime!),
    count: Number(count),
    sum: Number(sum),
    min,
    max,
    partial,
  }));
}
