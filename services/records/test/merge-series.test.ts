/** One line across devices, told by the rule; the model in merge-scene.ts is the rule per minute over what QuerySeries tells. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { MergeNothing, MergeReason, MergeRule } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Direction, Granularity, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { SLEEP_STAGE_SYSTEM as SLEEP } from "@wellapi/terminology";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  MINUTE,
  makers,
  merged,
  mergeInit,
  modelOf,
  nameOf,
  placesFor,
  rank,
  type Sender,
  type Sent,
  send,
  separate,
  T0,
  toldOf,
  whyOf,
} from "./merge-scene.ts";
import { application, HEART_RATE, openWorld, reasonOf, type TestPatient, type World } from "./world.ts";

const { INSTANT, MINUTE: BY_MINUTE, QUARTER_HOUR, HOUR } = Granularity;

const watch: Sender = { maker: 0, device: "watch", granularity: INSTANT };
const ring: Sender = { maker: 1, device: "ring", granularity: INSTANT };
const phone: Sender = { maker: 0, device: "", granularity: BY_MINUTE };

/** A clinic that may read heart rates of the patient. */
async function grantClinic(world: World, patient: TestPatient, window?: { from: number; to: number }) {
  const clinic = application();
  await world.grant(patient, {
    organization: clinic.organization,
    direction: Direction.READ,
    codes: [HEART_RATE],
    ...(window && { window: { from: T0 + window.from, to: T0 + window.to } }),
  });
  return { clinic, reader: world.reader(clinic), patient: world.idFor(clinic, patient) };
}

async function openMerge(sent: readonly Sent[], order: readonly Sender[] = []) {
  const world = await openWorld();
  const patient = world.patient();
  await send(world, patient, sent);
  if (order.length > 0) await rank(world, patient, order);
  return { world, of: patient, ...(await grantClinic(world, patient)) };
}

const minutes = (...numbers: number[]) => numbers.map((minute) => minute * MINUTE);
const told = (stretches: Awaited<ReturnType<typeof merged>>) =>
  stretches.map((stretch) => ({
    times: toldOf(stretch).map(([time]) => time / MINUTE),
    reason: stretch.reason,
    passedOver: stretch.passedOver.map(({ minutes: lost }) => lost),
  }));

describe("one line across devices", () => {
  it("has each minute from the first device in the patient's order that has samples there, and says why", async () => {
    const { reader, patient } = await openMerge(
      [
        { ...watch, times: minutes(0, 1, 2, 5, 6) },
        { ...ring, times: minutes(1, 2, 3, 4) },
      ],
      [ring, watch],
    );
    expect(told(await merged(reader, { patient }))).toEqual([
      { times: [0], reason: MergeReason.ONLY_SOURCE, passedOver: [] },
      { times: [1, 2, 3, 4], reason: MergeReason.FIRST_IN_ORDER, passedOver: [2] },
      { times: [5, 6], reason: MergeReason.ONLY_SOURCE, passedOver: [] },
    ]);
  });

  it("prefers what the order names, and says so where the order does not decide", async () => {
    const { world, of, reader, patient } = await openMerge([
      { ...watch, times: minutes(0, 1) },
      { ...ring, times: minutes(0, 1) },
      { ...phone, times: minutes(0, 1) },
    ]);
    const [first] = await merged(reader, { patient });
    expect(first!.reason).toBe(MergeReason.TIE_BREAK);
    // Instants come before minutes.
    expect(first!.source!.granularity).toBe(INSTANT);
    await rank(world, of, [phone]);
    const [ranked] = await merged(reader, { patient });
    expect(ranked).toMatchObject({ reason: MergeReason.RANKED, source: { granularity: BY_MINUTE } });
    expect(ranked!.passedOver).toHaveLength(2);
  });

  it("keeps the samples of a minute together, also where a page ends within it, whatever arrives meanwhile", async () => {
    const { world, of, reader, patient } = await openMerge(
      [{ ...watch, times: [0, 1_000, 2_000, 61_000] }],
      [ring],
    );
    const page = await reader.mergeSeries({ ...mergeInit({ patient }), pageSize: 2 });
    await send(world, of, [
      { ...watch, times: [] },
      { ...ring, times: [500, 2_500, 62_000] },
    ]);
    const next = await reader.mergeSeries({
      ...mergeInit({ patient }),
      pageSize: 2,
      pageToken: page.nextPageToken,
    });
    const names = [...page.stretches, ...next.stretches].flatMap((one) =>
      toldOf(one).map(([time]) => [time, one.source!.organization]),
    );
    expect(names).toEqual([
      [0, makers[0]!.organization],
      [1_000, makers[0]!.organization],
      [2_000, makers[0]!.organization],
      [62_000, makers[1]!.organization],
    ]);
  });

  it("tells every observation of a minute that observations have won, also several of one time, by pages of one", async () => {
    const { world, of, reader, patient } = await openMerge([{ ...ring, times: [2_000, 61_000] }]);
    const observations = [0, 5_000, 5_000, 5_000, 59_000].map((time, at) => ({
      code: { code: HEART_RATE },
      device: { identifier: "watch" },
      effective: { case: "effectiveTime" as const, value: timestampFromMs(T0 + time) },
      utcOffsetMinutes: 0,
      value: { case: "quantity" as const, value: { value: `${60 + at}`, unit: "/min" } },
    }));
    const batch = { requestId: "o1", patient: world.idFor(makers[0]!, of), observations };
    await world.writer(makers[0]!).appendObservations({ batch });
    await rank(world, of, [watch, ring]);
    const samples = (await merged(reader, { patient, pageSize: 1 })).flatMap(toldOf);
    expect(samples.map(([time]) => time)).toEqual([0, 5_000, 5_000, 5_000, 59_000, 61_000]);
    expect(
      samples
        .slice(0, 5)
        .map(([, value]) => value)
        .sort(),
    ).toEqual([60, 61, 62, 63, 64]);
    const [first] = await merged(reader, { patient });
    expect(first!.passedOver).toMatchObject([{ minutes: 1 }]);
  });

  it("of hours, of coded values and of nothing there is none, and the answer says which it is", async () => {
    const { world, of, reader, patient } = await openMerge([
      { ...watch, granularity: HOUR, times: minutes(0, 60) },
    ]);
    const coarse = await reader.mergeSeries(mergeInit({ patient }));
    expect(coarse).toMatchObject({ stretches: [], nextPageToken: "", nothing: MergeNothing.ONLY_COARSE });
    const outside = await reader.mergeSeries(mergeInit({ patient, from: 61 * MINUTE }));
    expect(outside.nothing).toBe(MergeNothing.NO_SAMPLES);
    // Whose window has no sample does not learn that there are any.
    const blind = await grantClinic(world, of, { from: 3_601_000, to: 7_200_000 });
    expect((await blind.reader.mergeSeries(mergeInit({ patient: blind.patient }))).nothing).toBe(
      MergeNothing.NO_SAMPLES,
    );
    const coded = {
      ...mergeInit({ patient: world.ownId(of) }),
      code: { code: "sleep-stage", system: SLEEP },
      purpose: Purpose.PATIENT_REQUEST,
    };
    expect((await world.own(of).mergeSeries(coded)).nothing).toBe(MergeNothing.CODED);
  });

  it("is refused without a rule, by parts of minutes, without consent and to readers of hourly data", async () => {
    const { world, of, reader, patient } = await openMerge([{ ...watch, times: minutes(0) }]);
    const asked = mergeInit({ patient });
    expect(await reasonOf(reader.mergeSeries({ ...asked, rule: MergeRule.UNSPECIFIED }))).toBe(
      "INVALID_FIELD",
    );
    expect(await reasonOf(reader.mergeSeries(mergeInit({ patient, from: 1 })))).toBe("INVALID_FIELD");
    const stranger = application();
    expect(
      await reasonOf(world.reader(stranger).mergeSeries({ ...asked, patient: world.idFor(stranger, of) })),
    ).toBe("CONSENT_REQUIRED");
    const insurer = application();
    await world.grant(of, {
      organization: insurer.organization,
      direction: Direction.READ,
      codes: [HEART_RATE],
      resolution: Resolution.HOURLY,
    });
    const hourly = world.reader(insurer).mergeSeries({ ...asked, patient: world.idFor(insurer, of) });
    expect(await reasonOf(hourly)).toBe("RESOLUTION_TOO_FINE");
  });

  it("leaves an entry with the samples that it told", async () => {
    const { world, reader, patient } = await openMerge([
      { ...watch, times: minutes(0, 1) },
      { ...ring, times: minutes(0, 1, 2) },
    ]);
    const { access } = await reader.mergeSeries(mergeInit({ patient }));
    const entry = (await world.accesses()).find(({ id }) => id === access)!;
    const resolution = Resolution.RAW;
    expect(entry).toMatchObject({ items: 3, codes: [HEART_RATE], purpose: Purpose.TREATMENT, resolution });
    expect(entry.method).toBe("wellapi.records.v1.RecordsService/MergeSeries");
  });

  const sources = [
    watch,
    ring,
    phone,
    { ...watch, granularity: BY_MINUTE },
    { ...ring, device: "old" },
    { ...ring, granularity: QUARTER_HOUR },
  ];
  const ms = fc.integer({ min: 0, max: 8 * MINUTE - 1 });
  const times = fc.uniqueArray(ms, { maxLength: 14 }).map((all) => all.sort((a, b) => a - b));
  const scenes = fc.record({
    sent: fc.tuple(...sources.map((source) => times.map((all): Sent => ({ ...source, times: all })))),
    order: fc.shuffledSubarray([watch, ring, phone, { ...ring, device: "old" }]),
    window: fc.option(
      fc.tuple(ms, ms).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) + 1 })),
      {
        nil: undefined,
      },
    ),
    interval: fc.option(fc.tuple(fc.nat(3), fc.integer({ min: 4, max: 8 })), { nil: undefined }),
    onlyFirst: fc.boolean(),
    pageSize: fc.constantFrom(1, 2, 3, 7, 0),
  });

  it("is what the rule says of each minute, over what the reader may read and asked for, by pages of any size", async () => {
    const world = await openWorld();
    await fc.assert(
      fc.asyncProperty(scenes, async ({ sent, order, window, interval, onlyFirst, pageSize }) => {
        const of = world.patient();
        await send(world, of, sent);
        await rank(world, of, order);
        const { clinic, reader, patient } = await grantClinic(world, of, window);
        const asked = {
          patient,
          ...(interval && { from: interval[0] * MINUTE, to: interval[1] * MINUTE }),
          ...(onlyFirst && { organizations: [makers[0]!.organization] }),
        };
        const bySource = await separate(reader, asked);
        const placeOf = await placesFor(world, of, clinic.organization, order);
        const model = modelOf(bySource, placeOf);
        const stretches = await merged(reader, { ...asked, pageSize });
        const expected = [...bySource.values()]
          .flat()
          .filter(([time, , name]) => model.get(Math.floor(time / MINUTE))?.chosen === name)
          .sort(([a], [b]) => a - b);
        expect(stretches.flatMap(toldOf)).toEqual(expected);
        for (const stretch of stretches) {
          const { reason, lost } = whyOf(stretch, model, placeOf);
          expect(stretch.reason).toBe(reason);
          expect(new Map(stretch.passedOver.map((one) => [nameOf(one.source!), one.minutes]))).toEqual(lost);
        }
      }),
      { numRuns: 25 },
    );
  }, 240_000);
});
