import { timestampMs } from "@bufbuild/protobuf/wkt";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import type { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { randomIds, systemClock } from "@wellapi/runtime";
import { expect, onTestFinished } from "vitest";
import { createPatientQueue } from "../src/blocks/patient-queue.ts";
import { createPass } from "../src/compaction/compaction-pass.ts";
import {
  bySeries,
  DAY,
  decode,
  itemInit,
  type Sample,
  type SentItem,
  START,
  samplesOfSent,
  seriesOf,
} from "./overlap-model.ts";
import { resumeTokenAfter, sequencesByBatch } from "./watching.ts";
import { append, HEART_RATE, type openScene, queryInit } from "./world.ts";

export type Scene = Awaited<ReturnType<typeof openScene>>;
export interface Bounds {
  readonly from: number;
  readonly to: number;
}

export function compact({ world, patient }: Scene): Promise<void> {
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

export function queryOf({ world, clinic, patient }: Scene, bounds: Bounds, code = HEART_RATE) {
  return queryInit(world.idFor(clinic, patient), { ...bounds, code });
}

export async function read(scene: Scene, bounds: Bounds, code?: string) {
  const samples: [string, number[]][] = [];
  for await (const { payload } of scene.world.reader(scene.clinic).readSeries(queryOf(scene, bounds, code))) {
    if (payload.case === "series") samples.push(...decode(payload.value));
  }
  return bySeries(samples);
}

/** By pages of a few samples. */
export async function paged(scene: Scene, bounds: Bounds, pageSize: number) {
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

export async function aggregates(scene: Scene, bounds: Bounds, bucketSize: BucketSize, code?: string) {
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
export async function watched(scene: Scene, after: number, last: number) {
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

export interface Sent {
  readonly id: string;
  readonly sequence: number;
  readonly samples: Sample[];
  gone: boolean;
}

/** A patient of their own, with what was sent for them. */
export async function createHistory(scene: Scene) {
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
      const sequence = await own.world.sequenceOf(patient);
      const samples = items.flatMap((item, i) => samplesOfSent(item, firsts[i]!, sequence, i));
      const sent = { id: receipt.batch, sequence, samples, gone: false };
      batches.push(sent);
      return sent;
    },
    async retract(sent: Sent): Promise<void> {
      if (sent.gone) return;
      const reason = RetractionReason.ENTERED_IN_ERROR;
      const retraction = {
        patient: own.world.idFor(own.maker, patient),
        target: { case: "batch" as const, value: sent.id },
        reason,
      };
      await own.world.writer(own.maker).retractBatch({ retraction });
      sent.gone = true;
    },
  };
}

export const everything = { from: START - 40 * DAY, to: START + 40 * DAY };
