/** Each datum is told with the consents that let it through to its reader, and with no others. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { BucketSize, type PermittingConsent, type Source } from "@wellapi/gen/wellapi/records/v1/records_pb";
import {
  Direction,
  Purpose,
  Resolution,
  type TimeInterval,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect, it } from "vitest";
import { condition, everything, store } from "./clinical/clinical-scene.ts";
import { everyAnswer, HOUR, openSenders, type Senders, T0, watchSources } from "./every-answer.ts";
import { queryInit, WEIGHT } from "./world.ts";

const MINUTE = 60_000;
const ALL_DAY = { from: T0 - 10 * HOUR, to: T0 + 10 * HOUR };

const bound = (interval: TimeInterval) => [
  timestampMs(interval.startTime!) - T0,
  timestampMs(interval.endTime!) - T0,
];
const letting = ({ consent, intervals }: PermittingConsent) => [consent, ...intervals.map(bound)];
/** Of each source: the consents, with the times that they let through where that is not all. */
const consentsOf = (sources: Iterable<Source | undefined>) =>
  [...sources].map((source) => source!.consents.map(letting));

function reading({ clinic }: Senders) {
  return { organization: clinic.organization, direction: Direction.READ, codes: everything };
}

it("every answer names the one consent of what it tells", async () => {
  const scene = await openSenders();
  const { consent } = scene;
  const answers = await everyAnswer(scene, (sources) => consentsOf(sources).map(String));
  const said = Object.values(answers).flat(2);
  expect(said.length).toBeGreaterThan(10);
  expect(new Set(said)).toEqual(new Set([consent]));
});

it("where several permit, each datum names those that let it through: by time, by source, as fine as it is", async () => {
  const scene = await openSenders({ from: T0 - 72 * HOUR, to: T0 + 72 * HOUR });
  const { world, patient, clinic, maker, watch, consent } = scene;
  const later = await world.grant(patient, {
    ...reading(scene),
    window: { from: T0 + MINUTE, to: T0 + HOUR },
  });
  const sources = { only: [watch.organization] };
  const ofWatch = await world.grant(patient, { ...reading(scene), sources, window: ALL_DAY });
  const daily = await world.grant(patient, { ...reading(scene), resolution: Resolution.DAILY });
  await world.grant(patient, { ...reading(scene), purposes: [Purpose.RESEARCH] });
  await world.grant(patient, { ...reading(scene), organization: maker.organization });
  const { series } = await world.reader(clinic).querySeries(queryInit(world.idFor(clinic, patient), {}));
  const bySender = Map.groupBy(series, ({ source }) => source!.organization);
  const run = [MINUTE, 2 * MINUTE + 1];
  const [first, second] = bySender
    .get(maker.organization)!
    .map(({ source }) => source!.consents.map(letting));
  expect([first, second].sort((a, b) => b!.length - a!.length)).toEqual([
    [[consent], [later, run]],
    [[consent]],
  ]);
  expect(consentsOf(bySender.get(watch.organization)!.map(({ source }) => source))).toEqual([
    [[consent], [ofWatch], [later, run]],
  ]);
  // Observations are told one by one: with who permits that one, never in parts.
  const about = { patient: world.idFor(clinic, patient), purpose: Purpose.TREATMENT };
  await world.grant(patient, { ...reading(scene), window: { from: T0, to: T0 + 1 } });
  const { observations } = await world.reader(clinic).listObservations({ ...about, code: { code: WEIGHT } });
  expect(observations.map(({ source }) => source!.consents.length)).toEqual([1, 2]);
  expect(
    observations.flatMap(({ source }) => source!.consents.flatMap(({ intervals }) => intervals)),
  ).toEqual([]);
  // Sums of a day may come of what is for a day alone.
  const days = { from: T0 - 48 * HOUR, to: T0 + 48 * HOUR };
  const byDay = { ...queryInit(about.patient, days), bucketSize: BucketSize.DAY };
  const { aggregates } = await world.reader(clinic).aggregateSeries(byDay);
  const named = aggregates.flatMap(({ source }) => source!.consents.map(({ consent: id }) => id));
  expect(named).toContain(daily);
  const byHour = { ...byDay, bucketSize: BucketSize.HOUR };
  const hours = (await world.reader(clinic).aggregateSeries(byHour)).aggregates;
  expect(hours.flatMap(({ source }) => source!.consents.map(({ consent: id }) => id))).not.toContain(daily);
});

it("a watch names a consent that came while it was open; patients and previews are told of none", async () => {
  const scene = await openSenders();
  const { world, patient, maker, consent, send } = scene;
  const next = await watchSources(scene, consentsOf);
  await send(maker, "m3", T0 + 2 * HOUR);
  expect(await next()).toEqual([[[consent]]]);
  const second = await world.grant(patient, reading(scene));
  await send(maker, "m4", T0 + 3 * HOUR);
  expect(await next()).toEqual([[[consent], [second]]]);
  const own = { ...queryInit(world.ownId(patient), {}), purpose: Purpose.PATIENT_REQUEST };
  const { series } = await world.own(patient).querySeries(own);
  const view = { case: "consent" as const, value: consent };
  const previewed = await world
    .previews(patient)
    .previewReads({ patient: world.ownId(patient), purpose: Purpose.TREATMENT, view });
  const shown = previewed.kinds.flatMap(({ firstSamples }) => firstSamples);
  expect([series.length, shown.length]).not.toContain(0);
  expect(consentsOf([...series, ...shown].map(({ source }) => source)).flat()).toEqual([]);
});

it("a clinical record names the consents of all that it falls into, for its contributor and its dates", async () => {
  const scene = await openSenders({ from: T0 - 24 * HOUR, to: T0 + 24 * HOUR });
  const { world, clinic, patient, maker, watch, consent } = scene;
  const hospital = { ...scene, hospital: maker };
  await store(hospital, condition(hospital, "J45.20", { onsetDateTime: "2016-04-12" }, maker), maker);
  const other = await world.grant(patient, { ...reading(scene), sources: { except: [watch.organization] } });
  const sources = { only: [watch.organization] };
  await world.grant(patient, { ...reading(scene), sources });
  await world.grant(patient, { ...reading(scene), window: { from: 0, to: 1 } });
  await world.grant(patient, { ...reading(scene), resolution: Resolution.DAILY });
  const about = { patient: world.idFor(clinic, patient), purpose: Purpose.TREATMENT };
  const { records } = await world.clinical(clinic).listClinicalRecords(about);
  expect(records.map(({ consents }) => consents.map(letting))).toEqual([[[consent], [other]]]);
  expect(records[0]!.consents.map(({ version }) => version)).toEqual([1, 1]);
});
