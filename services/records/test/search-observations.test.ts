/** One question for Observations of several sources answers as one question to each, and the log says the same of them. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { SampleOrder, SampleOrigin } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, test } from "vitest";
import {
  type ClinicalScene,
  everything,
  labResult,
  openClinicalScene,
  store,
} from "./clinical/clinical-scene.ts";
import { append, HEART_RATE, heartRates, reasonOf, type TestApplication, WEIGHT } from "./world.ts";

const T0 = Date.UTC(2026, 2, 1, 6);
const purpose = Purpose.TREATMENT;
const types = ["Observation"];

/** Three heart rates, a weight, and two clinical records of a heart rate. */
async function openSearched(scene?: ClinicalScene) {
  const opened = scene ?? (await openClinicalScene());
  const { world, hospital, patient } = opened;
  await append({ world, maker: hospital, patient }, "series", [heartRates(T0, [70, 71, 72])]);
  const weight = {
    code: { code: WEIGHT },
    effective: { case: "effectiveTime" as const, value: timestampFromMs(T0) },
    utcOffsetMinutes: 0,
    value: { case: "quantity" as const, value: { value: "80", unit: "kg" } },
  };
  const batch = { requestId: "weight", patient: world.idFor(hospital, patient), observations: [weight] };
  await world.writer(hospital).appendObservations({ batch });
  for (const minute of [1, 2]) {
    const effectiveDateTime = new Date(T0 + minute * 60_000).toISOString();
    await store(opened, labResult(opened, HEART_RATE, { effectiveDateTime }));
  }
  return opened;
}

/** The three questions of a search. */
function asked({ world, clinic, patient }: ClinicalScene, app: TestApplication = clinic) {
  const about = { patient: world.idFor(app, patient), purpose };
  const codes = [{ code: HEART_RATE }, { code: WEIGHT }];
  return {
    about,
    clinicalRecords: { ...about, types, codes: [{ code: HEART_RATE }], pageSize: 1 },
    observations: { ...about, codes, interval: { startTime: timestampFromMs(T0) } },
    series: { ...about, codes, order: SampleOrder.NEWEST_DAY, origin: SampleOrigin.SERIES },
  };
}

function search(scene: ClinicalScene, more: object = {}, app: TestApplication = scene.clinic) {
  const { about, clinicalRecords, observations, series } = asked(scene, app);
  const request = { ...about, clinicalRecords, observations, series, ...more };
  return scene.world.fhirReader(app).searchObservations(request);
}

/** Each alone. */
async function searchEach(scene: ClinicalScene) {
  const { world, clinic } = scene;
  const { clinicalRecords, observations, series } = asked(scene);
  return {
    clinicalRecords: await world.clinical(clinic).listClinicalRecords(clinicalRecords),
    observations: await world.reader(clinic).listObservations(observations),
    series: await world.reader(clinic).querySeries(series),
  };
}

const without = ({ access: _, nextPageToken, ...found }: { access: string; nextPageToken: string }) => [
  found,
  nextPageToken !== "",
];

async function readsIn({ world }: ClinicalScene) {
  return (await world.accesses()).filter(({ direction }) => direction === Direction.READ);
}

describe("Observations of several sources in one question", () => {
  test("are what each gives alone, with one entry, whose parts say what the three entries say", async () => {
    const scene = await openSearched();
    const each = await searchEach(scene);
    const alone = await readsIn(scene);
    const together = await search(scene);
    for (const part of ["clinicalRecords", "observations", "series"] as const) {
      expect(without(together[part]!)).toEqual(without(each[part]));
      expect(together[part]!.access).toBe(together.access);
    }
    expect(each.clinicalRecords.records).toHaveLength(1);
    expect(each.observations.observations).toHaveLength(1);
    expect(each.series.series).toHaveLength(1);

    const [entry, ...others] = (await readsIn(scene)).filter(({ id }) => !alone.some((one) => one.id === id));
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      id: together.access,
      method: "wellapi.records.v1.RecordsService/SearchObservations",
      outcome: Access_Outcome.PERMITTED,
      items: 5,
      resolution: Resolution.RAW,
      consents: [{ consent: expect.any(String), version: 1 }],
    });
    expect(entry!.codes.toSorted()).toEqual([WEIGHT, HEART_RATE].sort());
    const said = alone.map(({ method, codes, interval, consents, items, resolution }) => ({
      method,
      codes,
      interval,
      consents,
      items,
      resolution,
    }));
    const parts = entry!.parts.map(({ $typeName: _, emergencyAccess, ...part }) => {
      expect(emergencyAccess).toBe("");
      return part;
    });
    expect(parts).toHaveLength(3);
    expect(parts).toEqual(expect.arrayContaining(said));
  });

  test("go on by the token of either, and a token of another query is refused", async () => {
    const scene = await openSearched();
    const { world, clinic } = scene;
    const { clinicalRecords } = asked(scene);
    const first = await search(scene);
    const pageToken = first.clinicalRecords!.nextPageToken;
    const alone = await world.clinical(clinic).listClinicalRecords({ ...clinicalRecords, pageToken });
    const next = await search(scene, { clinicalRecords: { ...clinicalRecords, pageToken } });
    expect(without(next.clinicalRecords!)).toEqual(without(alone));
    expect(alone.records).toHaveLength(1);
    const other = { ...clinicalRecords, codes: [], pageToken };
    expect(await reasonOf(search(scene, { clinicalRecords: other }))).toBe("INVALID_PAGE_TOKEN");
  });

  test("are refused where the parts are not of one question, and leave no entry", async () => {
    const scene = await openSearched();
    const { clinicalRecords, observations, series } = asked(scene);
    for (const wrong of [
      { clinicalRecords: { ...clinicalRecords, patient: "pat_other" } },
      { observations: { ...observations, purpose: Purpose.RESEARCH } },
      { clinicalRecords: { ...clinicalRecords, types: [] } },
      { series: { ...series, order: SampleOrder.UNSPECIFIED, codes: [], code: { code: HEART_RATE } } },
      { clinicalRecords: undefined, observations: undefined, series: undefined },
    ]) {
      expect([wrong, await reasonOf(search(scene, wrong))]).toEqual([wrong, "INVALID_FIELD"]);
    }
    expect(await readsIn(scene)).toEqual([]);
  });

  test("leave out what consents and the token's scopes do not cover, and are refused to a stranger", async () => {
    const scene = await openSearched(await openClinicalScene(["heart"]));
    const { world, clinic, patient } = scene;
    const found = await search(scene);
    expect(found.observations!.observations).toEqual([]);
    expect(found.series!.series).toHaveLength(1);
    await world.grant(patient, {
      organization: clinic.organization,
      direction: Direction.READ,
      codes: everything,
    });
    const narrow = { ...clinic, scopes: ["system/Observation.s?category=body"] };
    const within = await search(scene, {}, narrow);
    expect([within.observations!.observations.length, within.series!.series]).toEqual([1, []]);
    expect(within.clinicalRecords!.records).toEqual([]);
    expect(await reasonOf(search(scene, {}, scene.hospital))).toBe("CONSENT_REQUIRED");
  });

  test("are withheld whole where the consent ends between the entry and the answer", async () => {
    const scene = await openSearched();
    const { world, consent } = scene;
    world.store.committed = async ({ changes }) => {
      if (!changes.some(({ kind, collection }) => kind === "insert" && collection === "leaves")) return;
      delete world.store.committed;
      await world.consent.revoke(consent);
    };
    expect(await reasonOf(search(scene))).toBe("CONSENT_REQUIRED");
    const outcomes = (await readsIn(scene)).map(({ outcome, reason }) => [Access_Outcome[outcome], reason]);
    expect(outcomes).toEqual(
      expect.arrayContaining([
        ["PERMITTED", ""],
        ["DENIED", "CONSENT_REVOKED"],
      ]),
    );
  });
});
