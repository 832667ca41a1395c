import { timestampMs } from "@bufbuild/protobuf/wkt";
import { PreviewedKind_Withheld as Withheld } from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Actor_Kind, Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { ask, DAY, HOUR, instants, MINUTE, newPatient, openReleaseScene, send } from "./release-scene.ts";
import {
  append,
  application,
  HEART_RATE,
  heartRates,
  openScene,
  reasonOf,
  STEPS,
  samplesOf,
  type TestApplication,
  type TestPatient,
  WEIGHT,
  type World,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
/** Tuesday 12 April 2016, 00:00 in Berlin. */
const midnight = Date.UTC(2016, 3, 11, 22);

async function preview(
  world: World,
  patient: TestPatient,
  { organization }: TestApplication,
  more: object = {},
) {
  const view = { case: "organization" as const, value: organization };
  const asked = { patient: world.ownId(patient), purpose: Purpose.TREATMENT, view, ...more };
  const page = await world.previews(patient).previewReads(asked);
  return { ...page, byCode: new Map(page.kinds.map((kind) => [kind.code!.code, kind])) };
}

const weight = { ...heartRates(T0, [80]), code: { code: WEIGHT }, unit: "kg" };
const steps = { ...heartRates(T0, [5, 6]), code: { code: STEPS }, unit: "{steps}" };

describe("PreviewReads", () => {
  it("counts what is seen beside what there is, shows the first of it, and says why the rest is not seen", async () => {
    const scene = await openScene({ window: { from: T0, to: T0 + HOUR }, denied: [WEIGHT] });
    const { world, clinic, patient } = scene;
    await append(scene, "r1", [heartRates(T0 - MINUTE, [60, 61, 62, 63, 64, 65]), weight, steps]);
    const { byCode, organization, access } = await preview(world, patient, clinic);
    expect(organization).toBe(clinic.organization);
    expect([...byCode.keys()].sort()).toEqual([WEIGHT, STEPS, HEART_RATE].sort());
    const heart = byCode.get(HEART_RATE)!;
    expect([heart.held!.values, heart.seen!.values, heart.withheld]).toEqual([
      6n,
      5n,
      Withheld.OUTSIDE_WINDOW,
    ]);
    expect(timestampMs(heart.seen!.span!.startTime!)).toBe(T0);
    expect(heart.firstSamples.flatMap(({ series }) => samplesOf(series!))).toEqual([
      [T0, 61],
      [T0 + MINUTE, 62],
      [T0 + 2 * MINUTE, 63],
    ]);
    for (const [code, withheld, held] of [
      [WEIGHT, Withheld.DENIED, 1n],
      [STEPS, Withheld.NOT_PERMITTED, 2n],
    ] as const) {
      expect(byCode.get(code)).toMatchObject({
        held: { values: held },
        withheld,
        firstSamples: [],
        sums: [],
      });
      expect(byCode.get(code)!.seen).toBeUndefined();
    }
    const research = await preview(world, patient, clinic, { purpose: Purpose.RESEARCH });
    expect(research.byCode.get(HEART_RATE)).toMatchObject({
      withheld: Withheld.OTHER_PURPOSE,
      firstSamples: [],
    });
    const entry = (await world.accesses()).find(({ id }) => id === access)!;
    expect(entry).toMatchObject({
      method: "wellapi.records.v1.PreviewService/PreviewReads",
      actor: { kind: Actor_Kind.PATIENT },
      organization: "",
      previewedOrganization: clinic.organization,
      purpose: Purpose.PATIENT_REQUEST,
      consents: [],
      items: 3,
      resolution: Resolution.RAW,
    });
  });

  it("tells of hourly and daily data what the organization is told, and leaves nothing by which that changes", async () => {
    const start = midnight + 9 * HOUR + MINUTE;
    const scene = await openReleaseScene(start);
    const { world, clock, maker, patient } = scene;
    // Another patient with the same data, at whom nobody looks before the organization does.
    const twin = { world, clock, maker, ...(await newPatient(world, maker)) };
    const late = midnight + 8 * HOUR + 30 * MINUTE;
    for (const one of [scene, twin]) await send(one, "r1", instants(midnight + 8 * HOUR, 20), 60);
    clock.time = midnight + 10 * HOUR;
    const told = async (one: typeof twin, reader: TestApplication, size: BucketSize) =>
      ask(one, reader, size, midnight - 30 * DAY, midnight + 30 * DAY);
    const [hourly] = (await preview(world, patient, scene.hourly)).kinds;
    expect(hourly!.seen).toBeUndefined();
    expect(hourly).toMatchObject({
      withheld: Withheld.COARSER,
      held: { values: 20n },
      sums: [
        { resolution: Resolution.HOURLY, buckets: 1n, first: { buckets: [{ count: 20, sum: "1200" }] } },
      ],
    });
    const stored = await world.store.scan("releases", { equals: [], limit: 10 });
    expect(stored.documents).toEqual([]);
    // Four more are too few to be told beside twenty that were told; together with them they are.
    for (const one of [scene, twin]) await send(one, "late", instants(late, 4), 100);
    clock.time = midnight + 11 * HOUR;
    expect((await told(scene, scene.hourly, BucketSize.HOUR)).map(({ count }) => count)).toEqual([24]);
    expect(await told(scene, scene.hourly, BucketSize.HOUR)).toEqual(
      await told(twin, twin.hourly, BucketSize.HOUR),
    );
    clock.time = midnight + 2 * DAY;
    const [daily] = (await preview(world, patient, scene.daily)).kinds;
    expect(daily!.sums).toMatchObject([{ resolution: Resolution.DAILY, buckets: 1n }]);
    expect(daily!.sums[0]!.first!.buckets.map(({ count, sum }) => [count, Number(sum)])).toEqual(
      (await told(scene, scene.daily, BucketSize.DAY)).map(({ count, sum }) => [count, sum]),
    );
    // Again from memory, and after the organization has read.
    expect((await preview(world, patient, scene.daily)).kinds[0]!.sums).toEqual(daily!.sums);
  });

  it("shows nothing of what was revoked while it was open", async () => {
    const scene = await openScene();
    const { world, clinic, patient, consent } = scene;
    await append(scene, "r1", [heartRates(T0, [60, 61])]);
    world.consent.state.foreseeing = async () => {
      world.consent.state.foreseeing = undefined;
      await world.consent.revoke(consent);
    };
    const { byCode, access } = await preview(world, patient, clinic);
    expect(world.consent.state.foreseen).toBe(3);
    const heart = byCode.get(HEART_RATE)!;
    expect(heart).toMatchObject({ withheld: Withheld.NOT_PERMITTED, firstSamples: [], held: { values: 2n } });
    expect(heart.seen).toBeUndefined();
    const entry = (await world.accesses()).find(({ id }) => id === access)!;
    expect(entry.items).toBe(0);
  });

  it("comes in pages, each decided anew", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [60, 61]), weight, steps]);
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await preview(world, patient, clinic, { pageSize: 1, pageToken });
      seen.push(...page.byCode.keys());
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen).toEqual([WEIGHT, STEPS, HEART_RATE].sort());
    expect(world.consent.state.foreseen).toBeGreaterThanOrEqual(3);
    const other = preview(world, patient, application(), { pageSize: 1, pageToken: "x" });
    expect(await reasonOf(other)).toBe("INVALID_PAGE_TOKEN");
  });

  it("is for the patient alone: another's id, and an erased patient, give what a read without consent gives", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [60])]);
    const stranger = world.patient();
    const view = { case: "organization" as const, value: clinic.organization };
    const asked = { patient: world.ownId(patient), purpose: Purpose.TREATMENT, view };
    expect(await reasonOf(world.previews(stranger).previewReads(asked))).toBe("CONSENT_REQUIRED");
    expect(world.consent.state.foreseen).toBe(0);
    await world.own(patient).erasePatient({ patient: world.ownId(patient) });
    expect(await reasonOf(world.previews(patient).previewReads(asked))).toBe("CONSENT_REQUIRED");
  });

  it("leaves out for who acts for a minor what is hidden from them, with what there is of it", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    await world.grant(patient, {
      organization: clinic.organization,
      direction: Direction.READ,
      codes: [STEPS],
    });
    await append(scene, "r1", [heartRates(T0, [60]), steps]);
    const view = { case: "organization" as const, value: clinic.organization };
    const guardian = { actor: { kind: "guardian", id: "usr_1" } as const, hides: ["activity"] };
    const page = await world.previews(patient, guardian).previewReads({
      patient: world.ownId(patient),
      purpose: Purpose.TREATMENT,
      view,
    });
    expect(page.kinds.map(({ code }) => code!.code)).toEqual([HEART_RATE]);
  });
});
