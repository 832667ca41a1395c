/** What comes from contributors whom a consent leaves out leaves no trace: answers are as if it had been deleted. */
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { BucketSize, MergeRule, SampleOrder } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { CaptureMethod, Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it, onTestFinished } from "vitest";
import { withBox } from "../src/blocks/patient-box.ts";
import { condition, everything, store } from "./clinical/clinical-scene.ts";
import type { TestConsent } from "./fake-consent.ts";
import { resumeTokenAfter } from "./watching.ts";
import {
  append,
  application,
  HEART_RATE,
  heartRates,
  openWorld,
  queryInit,
  readAll,
  reasonOf,
  samplesOf,
  type TestApplication,
  type TestPatient,
  WEIGHT,
  type World,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A patient, two who send their data, or one from several devices, and a clinic that reads some of it. */
interface Scene {
  readonly world: World;
  readonly maker: TestApplication;
  readonly watch: TestApplication;
  readonly clinic: TestApplication;
  readonly patient: TestPatient;
}
interface View extends Scene {
  readonly consent: string;
}
type Terms = Partial<TestConsent>;

/** @param one whether what comes of the watch comes from the same maker, of other devices */
async function openTwoMakers(one?: "one maker") {
  const world = await openWorld();
  const [maker, second, clinic] = [application(), application(), application()];
  const watch = one ? maker : second;

  /** Someone whose clinic reads by this consent. `isModel`: for whom the watch has sent nothing. */
  async function patientOf(of: Terms | ((scene: Scene) => Promise<Terms>), isModel = false): Promise<View> {
    const patient = world.patient();
    for (const { organization } of new Set([maker, watch])) {
      await world.grant(patient, { organization, direction: Direction.CONTRIBUTE, codes: everything });
    }
    const reading = { organization: clinic.organization, direction: Direction.READ, codes: everything };
    const scene = { world, maker, watch, clinic, patient };
    await sendAll(scene, isModel);
    const terms = typeof of === "function" ? await of(scene) : of;
    return { ...scene, consent: await world.grant(patient, { ...reading, ...terms }) };
  }
  return { world, maker, watch, clinic, patientOf };
}

/** The watch's values are its wearer's own words; the maker's are measured, or it does not say how they came about. */
const entered = CaptureMethod.SELF_REPORTED;

const rates = (
  from: number,
  values: readonly number[],
  device = "serial-1",
  method = CaptureMethod.SENSED,
) => ({
  ...heartRates(from, values),
  method,
  device: { identifier: device, model: device },
});

async function weigh(
  { world, patient }: Scene,
  from: TestApplication,
  [time, value, device, method]: readonly [
    time: number,
    value: string,
    device?: string,
    method?: CaptureMethod,
  ],
) {
  const observation = {
    code: { code: WEIGHT },
    effective: { case: "effectiveTime" as const, value: timestampFromMs(time) },
    utcOffsetMinutes: 0,
    value: { case: "quantity" as const, value: { value, unit: "kg" } },
    ...(device !== undefined && { device: { identifier: device, model: device } }),
    ...(method !== undefined && { method }),
  };
  const batch = { requestId: value, patient: world.idFor(from, patient), observations: [observation] };
  await world.writer(from).appendObservations({ batch });
}

async function retract({ world, patient }: Scene, from: TestApplication, batch: string) {
  const target = { case: "batch" as const, value: batch };
  const reason = RetractionReason.ENTERED_IN_ERROR;
  const retraction = { patient: world.idFor(from, patient), target, reason };
  await world.writer(from).retractBatch({ retraction });
}

/** The watch's; one is called as one of the maker's, where it is another's. */
function devicesOf({ maker, watch }: Scene): readonly [string, string, string, string] {
  return watch === maker ? ["wa", "wserial", "wb", "wscale"] : ["a", "serial-1", "b", "scale"];
}

/** Both makers send the like, at the same times and before, between and after; each takes something back. */
async function sendAll(view: Scene, isModel: boolean): Promise<void> {
  const { maker, watch } = view;
  const [a, serial, b, scale] = devicesOf(view);
  const scene = (from: TestApplication) => ({ ...view, maker: from });
  const clinical = (from: TestApplication) => ({ ...view, hospital: from, consent: "", contribution: "" });
  const diagnose = (from: TestApplication, code: string) =>
    store(clinical(from), condition(clinical(from), code), from);
  const fromWatch = async (work: () => Promise<unknown>) => void (isModel || (await work()));
  await fromWatch(() => append(scene(watch), "w1", [rates(T0 - HOUR, [150, 151, 152, 153], a, entered)]));
  const first = await append(scene(maker), "m1", [rates(T0, [70, 71, 72, 73])]);
  await fromWatch(() => append(scene(watch), "w2", [rates(T0, [170, 171, 172, 173, 174], serial, entered)]));
  await append(scene(maker), "m2", [rates(T0 + HOUR, [80, 81], "z")]);
  await fromWatch(() => weigh(view, watch, [T0 + MINUTE, "81", scale, entered]));
  await weigh(view, maker, [T0, "80"]);
  await weigh(view, maker, [T0 + 2 * MINUTE, "82", "scale"]);
  await fromWatch(async () => {
    // A clinical record is of no device.
    if (watch !== maker) await diagnose(watch, "F32.1");
    const gone = await append(scene(watch), "w3", [rates(T0 + 2 * HOUR, [190], b, entered)]);
    await retract(view, watch, gone.batch);
  });
  await diagnose(maker, "J45.20");
  await retract(view, maker, first.batch);
  await append(scene(maker), "last", [rates(T0 + 3 * HOUR, [99])]);
}

/** All that the clinic is told, without ids. */
async function answersOf(view: View) {
  const { world, clinic, patient } = view;
  const reader = world.reader(clinic);
  const query = queryInit(world.idFor(clinic, patient), {});
  const about = { patient: query.patient, purpose: Purpose.TREATMENT };
  const bounded = queryInit(query.patient, { from: T0 - 24 * HOUR, to: T0 + 24 * HOUR });
  const days = { ...about, codes: [query.code], order: SampleOrder.NEWEST_DAY };
  const [listed, aggregated, merged, watched] = await Promise.all([
    reader.listSeries(about),
    reader.aggregateSeries({ ...bounded, bucketSize: BucketSize.HOUR }),
    reader.mergeSeries({ ...bounded, rule: MergeRule.DEVICE_PRIORITY_BY_MINUTE }),
    watchedBy(view),
  ]);
  return {
    listed: listed.series.map(({ code, source, count }) => [code!.code, source!.deviceModel, count]).sort(),
    read: (await readAll(view)).sort(),
    paged: await pages((pageToken) => reader.querySeries({ ...query, pageSize: 1, pageToken }), samplesIn),
    byDay: await pages((pageToken) => reader.querySeries({ ...days, pageSize: 1, pageToken }), samplesIn),
    aggregated: aggregated.aggregates
      .map(({ buckets }) => buckets.map(({ startTime, count, sum }) => [timestampMs(startTime!), count, sum]))
      .sort(),
    merged: merged.stretches.map(({ series, reason, passedOver }) => [
      samplesOf(series!),
      reason,
      passedOver.length,
    ]),
    observed: await pages(
      (pageToken) => reader.listObservations({ ...about, code: { code: WEIGHT }, pageSize: 1, pageToken }),
      ({ observations }) => observations.map(({ observation }) => observation!.value.value),
    ),
    records: await pages(
      (pageToken) => world.clinical(clinic).listClinicalRecords({ ...about, pageSize: 1, pageToken }),
      ({ records }) => records.map(({ resource }) => JSON.parse(resource).code.coding[0].code),
    ),
    watched,
  };
}

const samplesIn = ({ series }: Awaited<ReturnType<Reader["querySeries"]>>) =>
  series.flatMap(({ series: one }) => samplesOf(one!));
type Reader = ReturnType<World["reader"]>;

/** By page, the series in the order of what they hold: their ids are random. */
async function pages<P extends { readonly nextPageToken: string }>(
  page: (token: string) => Promise<P>,
  told: (page: P) => unknown[],
): Promise<unknown[]> {
  const all: unknown[] = [];
  for (let token = ""; ; ) {
    const one = await page(token);
    all.push(told(one));
    token = one.nextPageToken;
    if (token === "") return all.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
}

/** What a watch delivers from the first commit to the last sample. */
async function watchedBy(view: View): Promise<unknown[]> {
  const { world, clinic, patient } = view;
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const codes = [{ code: HEART_RATE }, { code: WEIGHT }];
  const request = { patient: world.idFor(clinic, patient), codes, purpose: Purpose.TREATMENT };
  const resumeToken = resumeTokenAfter(view, request, 0);
  const seen: unknown[] = [];
  const stream = world.reader(clinic).watchSeries({ ...request, resumeToken }, { signal: abort.signal });
  for await (const { payload } of stream) {
    if (payload.case === "retraction") seen.push(timestampMs(payload.value.interval!.startTime!));
    if (payload.case !== "series") continue;
    const samples = samplesOf(payload.value.series!);
    seen.push(samples);
    if (samples.some(([, value]) => value === 99)) break;
  }
  return seen;
}

describe("a consent for the data of some contributors", () => {
  it("gives the answers of a record in which there is nothing of the others", async () => {
    const { patientOf, maker, watch } = await openTwoMakers();
    const model = await answersOf(await patientOf({}, true));
    expect(model.listed).toHaveLength(4);
    expect(model.watched).toContain(T0);
    for (const sources of [{ only: [maker.organization] }, { except: [watch.organization] }]) {
      const view = await patientOf({ sources });
      expect(await answersOf(view)).toEqual(model);
      const { world, patient } = view;
      const own = { patient: world.ownId(patient), purpose: Purpose.PATIENT_REQUEST };
      const { observations } = await world.own(patient).listObservations({ ...own, code: { code: WEIGHT } });
      expect(observations).toHaveLength(3);
    }
  });

  it("or without some of one contributor's devices, gives the answers of a record in which there is nothing of those", async () => {
    const { patientOf } = await openTwoMakers("one maker");
    const model = await answersOf(await patientOf({}, true));
    expect(model.listed).toHaveLength(4);
    expect(model.watched).toContain(T0);
    const ids = ({ world, maker: { organization }, patient }: Scene, names: readonly string[]) =>
      withBox(world.vault, patient.partition, (box) =>
        names.map((name) => ({ organization, device: box.deviceId(organization, name)! })),
      );
    const without = async (scene: Scene) => {
      return { sources: { except: [], without: await ids(scene, devicesOf(scene)) } };
    };
    const view = await patientOf(without);
    expect(await answersOf(view)).toEqual(model);
    const { world, clinic, patient } = view;
    const about = { patient: world.idFor(clinic, patient), purpose: Purpose.TREATMENT };
    const reading = { organization: clinic.organization, direction: Direction.READ, codes: everything };
    const whole = await world.grant(patient, reading);
    const weights = { ...about, code: { code: WEIGHT } };
    const { observations } = await world.reader(clinic).listObservations(weights);
    expect(observations).toHaveLength(3);
    await world.consent.revoke(whole);
    for (const { id: observation, source } of observations) {
      const answer = await reasonOf(world.reader(clinic).getObservation({ ...about, observation }));
      expect(answer).toBe(source!.deviceModel === "wscale" ? "NOT_FOUND" : "OK");
    }
    // Of two devices alone: what came without one is of neither, and so is a clinical record.
    await world.consent.revoke(view.consent);
    await world.grant(patient, { ...reading, sources: { only: [], also: await ids(view, ["z", "scale"]) } });
    const { series } = await world.reader(clinic).listSeries(about);
    expect(series.map(({ source }) => source!.deviceModel).sort()).toEqual(["scale", "z"]);
    expect((await world.clinical(clinic).listClinicalRecords(about)).records).toEqual([]);
  });

  it("or without what came about in some ways, gives the answers of a record in which there is nothing of that", async () => {
    const { patientOf } = await openTwoMakers("one maker");
    const model = await answersOf(await patientOf({}, true));
    const view = await patientOf({ sources: { except: [], exceptMethods: [entered] } });
    expect(await answersOf(view)).toEqual(model);
    // Of what was measured alone: what does not say it is of no way, and so is a clinical record.
    const { world, clinic, patient, consent } = view;
    const about = { patient: world.idFor(clinic, patient), purpose: Purpose.TREATMENT };
    const reading = { organization: clinic.organization, direction: Direction.READ, codes: everything };
    await world.consent.revoke(consent);
    const measured = { except: [], onlyMethods: [CaptureMethod.SENSED] };
    await world.grant(patient, { ...reading, sources: measured });
    const { series } = await world.reader(clinic).listSeries(about);
    expect(series.map(({ source }) => source!.method)).toEqual(series.map(() => CaptureMethod.SENSED));
    expect(series.length).toBeGreaterThan(1);
    const weights = { ...about, code: { code: WEIGHT } };
    expect((await world.reader(clinic).listObservations(weights)).observations).toEqual([]);
    expect((await world.clinical(clinic).listClinicalRecords(about)).records).toEqual([]);
    const only = { sources: { except: [], onlyMethods: [entered] } };
    await world.grant(patient, { ...reading, ...only });
    expect((await world.reader(clinic).listObservations(weights)).observations).toHaveLength(1);
  });

  it("hides single ones whose ids are known from before, deleted ones, too", async () => {
    const { patientOf, maker, watch, world, clinic } = await openTwoMakers();
    const view = await patientOf({});
    const ofWatch = { ...view, hospital: watch, contribution: "" };
    const { record } = await store(ofWatch, condition(ofWatch, "F41.1"), watch);
    const about = { patient: world.idFor(clinic, view.patient), purpose: Purpose.TREATMENT };
    const { observations } = await world
      .reader(clinic)
      .listObservations({ ...about, code: { code: WEIGHT } });
    const { records } = await world.clinical(clinic).listClinicalRecords(about);
    expect([observations.length, records.length]).toEqual([3, 3]);
    const { organization } = maker;
    const terms = { organization: clinic.organization, direction: Direction.READ, codes: everything };
    await world.grant(view.patient, { ...terms, sources: { only: [organization] } });
    await world.consent.revoke(view.consent);
    const deletion = { patient: world.idFor(watch, view.patient), delete: { record } };
    await world.clinical(watch).deleteClinicalRecord(deletion);
    for (const { id, source } of observations) {
      const answer = await reasonOf(world.reader(clinic).getObservation({ ...about, observation: id }));
      expect(answer).toBe(source!.organization === organization ? "OK" : "NOT_FOUND");
    }
    for (const { id, organization: from } of records) {
      const asked = { ...about, record: id };
      const expected = from === organization ? "OK" : "NOT_FOUND";
      expect(await reasonOf(world.clinical(clinic).getClinicalRecord(asked))).toBe(expected);
      expect(await reasonOf(world.clinical(clinic).listClinicalRecordVersions(asked))).toBe(expected);
    }
  });

  it("stands beside others: what any of them permits of a contributor is told, and no finer", async () => {
    const { patientOf, world, clinic, maker, watch } = await openTwoMakers();
    const view = await patientOf({ sources: { only: [maker.organization] } });
    const { patient } = view;
    await world.grant(patient, {
      organization: clinic.organization,
      direction: Direction.READ,
      codes: [HEART_RATE],
      resolution: Resolution.HOURLY,
      sources: { only: [watch.organization] },
    });
    const samples = await readAll(view);
    expect(samples.map(([, value]) => value).every((value) => value < 100)).toBe(true);
    const query = queryInit(world.idFor(clinic, patient), { from: T0, to: T0 + 4 * HOUR });
    const minutes = await world.reader(clinic).aggregateSeries({ ...query, bucketSize: BucketSize.MINUTE });
    expect(minutes.aggregates.length).toBeGreaterThan(0);
    expect(minutes.aggregates.every(({ source }) => source!.organization === maker.organization)).toBe(true);
    const only = { sources: { organizations: [watch.organization] } };
    expect((await world.reader(clinic).querySeries({ ...query, ...only })).series).toEqual([]);
    expect(await reasonOf(world.reader(clinic).querySeries({ ...query, code: { code: WEIGHT } }))).toBe("OK");
  });
});
