import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Dispute, earliestTime, latestTime } from "@wellapi/enforcer";
import { BucketSize, MergeRule, SampleOrder, type Source } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { onTestFinished } from "vitest";
import { everything } from "./clinical/clinical-scene.ts";
import { resumeTokenAfter } from "./watching.ts";
import {
  append,
  application,
  HEART_RATE,
  heartRates,
  openWorld,
  queryInit,
  type TestApplication,
  WEIGHT,
} from "./world.ts";

export const T0 = Date.UTC(2016, 3, 12, 6);
export const HOUR = 3_600_000;
const ALL = { from: earliestTime, to: latestTime };

/** Two senders of the like, and a clinic that reads within this window. */
export async function openSenders(window = { from: T0 - 10 * HOUR, to: T0 + 10 * HOUR }) {
  const world = await openWorld();
  const [maker, watch, clinic] = [application(), application(), application()];
  const patient = world.patient();
  for (const { organization } of [maker, watch]) {
    await world.grant(patient, { organization, direction: Direction.CONTRIBUTE, codes: everything });
  }
  const reading = { organization: clinic.organization, direction: Direction.READ };
  const consent = await world.grant(patient, { ...reading, codes: everything, window });
  const send = (from: TestApplication, id: string, start: number, device = "a") =>
    append({ world, maker: from, patient }, id, [
      { ...heartRates(start, [70, 71, 72]), device: { identifier: device, model: device } },
    ]);
  await send(maker, "m1", T0);
  await send(maker, "m2", T0 + HOUR, "b");
  await send(watch, "w1", T0);
  const observation = (time: number) => ({
    code: { code: WEIGHT },
    effective: { case: "effectiveTime" as const, value: timestampFromMs(time) },
    utcOffsetMinutes: 0,
    value: { case: "quantity" as const, value: { value: "80", unit: "kg" } },
  });
  const observations = [observation(T0), observation(T0 + HOUR)];
  await world
    .writer(maker)
    .appendObservations({ batch: { requestId: "o", patient: world.idFor(maker, patient), observations } });
  const dispute = (...disputes: (Partial<Dispute> & { organization: string })[]) =>
    world.dispute(
      patient,
      disputes.map((one) => ({ ...ALL, ...one })),
    );
  return { world, maker, watch, clinic, patient, consent, contribution: "", send, dispute };
}

export type Senders = Awaited<ReturnType<typeof openSenders>>;

/** A watch of heart rates from now on, until the test ends: what each next message says of its source. */
export async function watchSources<T>(
  scene: Senders,
  saidOf: (sources: Iterable<Source | undefined>) => T,
): Promise<() => Promise<T>> {
  const { world, clinic, patient } = scene;
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const request = {
    patient: world.idFor(clinic, patient),
    codes: [{ code: HEART_RATE }],
    purpose: Purpose.TREATMENT,
  };
  const resumeToken = resumeTokenAfter(scene, request, await world.sequenceOf(patient));
  const stream = world.reader(clinic).watchSeries({ ...request, resumeToken }, { signal: abort.signal });
  const messages = stream[Symbol.asyncIterator]();
  return async () => {
    for (;;) {
      const { payload } = (await messages.next()).value!;
      if (payload.case === "series") return saidOf([payload.value.source]);
    }
  };
}

/** Every way to read measurements: what each says of its sources. */
export async function everyAnswer<T>(
  { world, clinic, patient }: Senders,
  saidOf: (sources: Iterable<Source | undefined>) => T,
) {
  const reader = world.reader(clinic);
  const query = queryInit(world.idFor(clinic, patient), {});
  const about = { patient: query.patient, purpose: Purpose.TREATMENT };
  const bounded = queryInit(query.patient, { from: T0 - 2 * HOUR, to: T0 + 4 * HOUR });
  const byDay = { ...about, codes: [query.code], order: SampleOrder.NEWEST_DAY };
  const streamed: Source[] = [];
  for await (const { payload } of reader.readSeries(query)) {
    if (payload.case === "series") streamed.push(payload.value.source!);
  }
  const [listed, aggregated, merged, paged, days, observed] = await Promise.all([
    reader.listSeries(about),
    reader.aggregateSeries({ ...bounded, bucketSize: BucketSize.HOUR }),
    reader.mergeSeries({ ...bounded, rule: MergeRule.DEVICE_PRIORITY_BY_MINUTE }),
    reader.querySeries(query),
    reader.querySeries(byDay),
    reader.listObservations({ ...about, code: { code: WEIGHT }, oldestFirst: true }),
  ]);
  const single = await reader.getObservation({ ...about, observation: observed.observations[0]!.id });
  return {
    streamed: saidOf(streamed),
    listed: saidOf(listed.series.map(({ source }) => source)),
    aggregated: saidOf(aggregated.aggregates.map(({ source }) => source)),
    merged: saidOf(
      merged.stretches.flatMap(({ source, passedOver }) => [source, ...passedOver.map((o) => o.source)]),
    ),
    paged: saidOf(paged.series.map(({ source }) => source)),
    days: saidOf(days.series.map(({ source }) => source)),
    observed: observed.observations.map(({ source }) => saidOf([source])),
    single: saidOf([single.observation!.source]),
  };
}
