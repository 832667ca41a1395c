import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, test, vi } from "vitest";
import { application, reasonOf } from "../world.ts";
import {
  type ClinicalScene,
  condition,
  everything,
  keys,
  labResult,
  list,
  openClinicalScene,
  Status,
  store,
  subjectFor,
} from "./clinical-scene.ts";

const purpose = Purpose.TREATMENT;

async function read(scene: ClinicalScene, record: string, more: object = {}, app = scene.clinic) {
  const { world, patient } = scene;
  const request = { patient: world.idFor(app, patient), record, purpose, ...more };
  return (await world.clinical(app).getClinicalRecord(request)).record!;
}

describe("what was stored comes back whole", () => {
  test("with its digits, and with the reader's own ids of patient and record", async () => {
    const scene = await openClinicalScene();
    const value = { value: 1, unit: "%", system: "http://unitsofmeasure.org", code: "%" };
    const text = labResult(scene, "4548-4", { valueQuantity: value }).replace('"value":1', '"value":98.60');
    await store(
      scene,
      text.replace('"unit"', '"extension":[{"url":"https://a.example/b","valueDecimal":1.0E-3}],"unit"'),
    );

    const [record] = await list(scene);
    expect(record!.resource).toContain('"value":98.60');
    expect(record!.resource).toContain("1.0E-3");
    const resource = JSON.parse(record!.resource);
    expect(resource.id).toBe(record!.id.replace("_", "-"));
    expect(resource.meta.versionId).toBe("1");
    expect(resource.subject).toEqual(subjectFor(scene, scene.clinic));
    expect(record).toMatchObject({ resourceType: "Observation", version: 1, categories: ["laboratory"] });
    expect(record!.organization).toBe(scene.hospital.organization);
  });

  test("two organizations see two ids of one record, and neither reads the other's", async () => {
    const scene = await openClinicalScene();
    const { record } = await store(scene, condition(scene, "J45.20"));
    const [seen] = await list(scene);
    expect(seen!.id).not.toBe(record);
    expect(await reasonOf(read(scene, record))).toBe("NOT_FOUND");
    expect((await read(scene, seen!.id)).resourceType).toBe("Condition");
    expect((await read(scene, seen!.id.replace("_", "-"))).id).toBe(seen!.id);
  });

  test("references among the records of a batch hold, in the reader's ids", async () => {
    const scene = await openClinicalScene();
    const { world, hospital, patient } = scene;
    const encounter = JSON.stringify({
      resourceType: "Encounter",
      status: "finished",
      class: { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "AMB" },
      subject: subjectFor(scene, hospital),
      period: { start: "2026-03-01T09:00:00Z", end: "2026-03-01T09:30:00Z" },
    });
    const writes = [
      condition(scene, "J45.20", {
        encounter: { reference: "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0" },
      }),
      encounter,
    ].map((resource, i) => ({
      operation: {
        case: "create" as const,
        value: { resource, fullUrl: i === 1 ? "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0" : "" },
      },
    }));
    await world.clinical(hospital).writeClinicalRecords({
      batch: { requestId: "visit-1", patient: world.idFor(hospital, patient), writes },
    });
    const [visit] = await list(scene, { types: ["Encounter"] });
    const [asthma] = await list(scene, { types: ["Condition"] });
    expect(JSON.parse(asthma!.resource).encounter.reference).toBe(`Encounter/${visit!.id.replace("_", "-")}`);
    expect(await list(scene, { referringTo: [visit!.id] })).toHaveLength(1);
    expect(await list(scene, { referringTo: [asthma!.id] })).toHaveLength(0);
  });
});

test("a page is read by one scan, and no record that it does not answer but the next one", async () => {
  const scene = await openClinicalScene();
  const { world, hospital, clinic, patient } = scene;
  const writes = Array.from({ length: 30 }, (_, day) => ({
    operation: {
      case: "create" as const,
      value: {
        resource: condition(scene, "J45.20", { recordedDate: `2026-03-${String(day + 1).padStart(2, "0")}` }),
      },
    },
  }));
  await world.clinical(hospital).writeClinicalRecords({
    batch: { requestId: "month", patient: world.idFor(hospital, patient), writes },
  });
  const gets = vi.spyOn(world.store, "get");
  const scans = vi.spyOn(world.store, "scan");
  const about = { patient: world.idFor(clinic, patient), purpose, codes: [{ code: "J45.20" }], pageSize: 20 };
  const page = await world.clinical(clinic).listClinicalRecords(about);
  expect([page.records.length, page.nextPageToken]).toEqual([20, expect.stringMatching(/./)]);
  const of = ({ mock }: typeof gets | typeof scans, name: string) =>
    mock.calls.filter(([collection]) => collection === name).length;
  // One more shows that another page follows.
  expect([of(scans, "clinical_terms"), of(gets, "clinical_records")]).toEqual([1, 21]);
});

test("what was read lately is not loaded again, and is told as it is now, in the ids and under the consents of who asks", async () => {
  const scene = await openClinicalScene();
  const { world, hospital, patient } = scene;
  const stored = await store(scene, condition(scene, "J45.20"));
  await store(scene, condition(scene, "E11.9"));
  const before = await list(scene);
  const gets = vi.spyOn(world.store, "get");
  const scans = vi.spyOn(world.store, "scan");
  const [first, second] = await list(scene);
  expect([first!.resource, second!.resource]).toEqual(before.map(({ resource }) => resource));
  expect(gets.mock.calls.map(([collection]) => collection)).toContain("heads");
  expect(gets.mock.calls.filter(([collection]) => collection === "clinical_records")).toEqual([]);
  expect(scans.mock.calls.filter(([collection]) => collection.startsWith("clinical_"))).toEqual([]);

  const other = application();
  expect(await reasonOf(list(scene, {}, other))).toMatch(/CONSENT|NOT_FOUND/);
  await world.grant(patient, {
    organization: other.organization,
    direction: Direction.READ,
    codes: keys("conditions"),
  });
  const theirs = await list(scene, {}, other);
  expect(theirs).toHaveLength(2);
  expect(theirs.map(({ resource }) => JSON.parse(resource).subject)).toEqual([
    subjectFor(scene, other),
    subjectFor(scene, other),
  ]);
  expect(before.map(({ id }) => id)).not.toContain(theirs[0]!.id);

  const { record, etag } = stored;
  const asked = { patient: world.idFor(hospital, patient), requestId: "" };
  const resource = condition(scene, "J45.20", { onsetDateTime: "2026-02-01" });
  const write = { case: "update", value: { record, resource, etag } } as const;
  const { outcome } = await world.clinical(hospital).putClinicalRecord({ ...asked, write });
  expect((await list(scene)).map(({ version }) => version).sort()).toEqual([1, 2]);
  await world.clinical(hospital).deleteClinicalRecord({ ...asked, delete: { record, etag: outcome!.etag } });
  expect((await list(scene)).map((one) => JSON.parse(one.resource).code.coding[0].code)).toEqual(["E11.9"]);
});

const onset = (onsetDateTime: string) => ({ onsetDateTime });

test.each([
  ["were all read lately", {}],
  // The page that was read opened two of them, and found the places of all.
  ["were found lately, but not all opened", { pageSize: 1 }],
])("a record that moves while a list begins of what %s is not lost", async (_, before) => {
  const scene = await openClinicalScene();
  const { world, hospital, clinic, patient } = scene;
  for (const day of ["03", "02"]) await store(scene, condition(scene, "J45.20", onset(`2026-03-${day}`)));
  const { record, etag } = await store(scene, condition(scene, "J45.20", onset("2026-03-01")));
  const asked = { patient: world.idFor(clinic, patient), purpose };
  await world.clinical(clinic).listClinicalRecords({ ...asked, ...before });
  const { get } = world.store;
  const resource = condition(scene, "J45.20", onset("2026-04-01"));
  let moved = false;
  vi.spyOn(world.store, "get").mockImplementation(async (collection, key) => {
    const found = await get<never>(collection, key);
    if (collection !== "heads" || moved) return found;
    moved = true;
    await world.clinical(hospital).putClinicalRecord({
      patient: world.idFor(hospital, patient),
      write: { case: "update", value: { record, resource, etag } },
    });
    return found;
  });
  const { records } = await world.clinical(clinic).listClinicalRecords({ ...asked, pageSize: 10 });
  expect(new Set(records.map(({ id }) => id)).size).toBe(3);
  expect(records).toHaveLength(3);
  expect(moved).toBe(true);
  expect((await list(scene)).map(({ version }) => version)).toEqual([2, 1, 1]);
});

describe("what may not be stored is refused with the reason", () => {
  test.each([
    ["no FHIR", "{}", "INVALID_RESOURCE"],
    [
      "a type without a category",
      JSON.stringify({ resourceType: "OperationOutcome", issue: [{ severity: "error", code: "invalid" }] }),
      "NO_CATEGORY",
    ],
  ])("%s", async (_, resource, reason) => {
    const scene = await openClinicalScene();
    const { world, hospital, patient } = scene;
    const { receipt } = await world.clinical(hospital).writeClinicalRecords({
      batch: {
        requestId: "a",
        patient: world.idFor(hospital, patient),
        writes: [{ operation: { case: "create", value: { resource } } }],
      },
    });
    expect(receipt!.outcomes[0]!.status).toBe(Status.REJECTED);
    expect(receipt!.outcomes[0]!.violations[0]!.reason).toBe(reason);
  });

  test("a resource of another patient, and one that mentions another patient of the exchange", async () => {
    const scene = await openClinicalScene();
    const other = subjectFor({ world: scene.world, patient: scene.world.patient() }, scene.hospital);
    for (const more of [{ subject: other }, { subject: { display: "somebody" } }, { asserter: other }]) {
      expect(await reasonOf(store(scene, condition(scene, "J45.20", more)))).toBe("INVALID_FIELD");
    }
    expect(await list(scene)).toEqual([]);
  });

  test("an observation whose code and category nobody knows", async () => {
    const scene = await openClinicalScene();
    expect(await reasonOf(store(scene, labResult(scene, "4548-4", { category: undefined })))).toBe(
      "INVALID_FIELD",
    );
  });
});

describe("consents have to cover all of a record's categories", () => {
  test("a condition of mental health needs both, also where the code stands in a contained resource", async () => {
    const scene = await openClinicalScene(["conditions"]);
    await store(scene, condition(scene, "J45.20"));
    await store(scene, condition(scene, "F32.1"));
    const contained = {
      resourceType: "Observation",
      id: "o",
      status: "final",
      code: { coding: [{ system: "http://loinc.org", code: "44261-6" }] },
      category: [
        {
          coding: [{ system: "http://terminology.hl7.org/CodeSystem/observation-category", code: "survey" }],
        },
      ],
    };
    await store(
      scene,
      condition(scene, "J45.21", { contained: [contained], evidence: [{ detail: [{ reference: "#o" }] }] }),
    );
    expect((await list(scene)).map(({ resource }) => JSON.parse(resource).code.coding[0].code)).toEqual([
      "J45.20",
    ]);

    await scene.world.grant(scene.patient, {
      organization: scene.clinic.organization,
      direction: Direction.READ,
      codes: keys("mental_health"),
    });
    expect(await list(scene)).toHaveLength(2);
  });

  test("who may not contribute a category is refused, neighbours are kept", async () => {
    const scene = await openClinicalScene();
    const laboratory = application();
    await scene.world.grant(scene.patient, {
      organization: laboratory.organization,
      direction: Direction.CONTRIBUTE,
      codes: keys("conditions"),
    });
    expect(await reasonOf(store(scene, condition(scene, "F32.1", {}, laboratory), laboratory))).toBe(
      "CONSENT_REQUIRED",
    );
    const stranger = application();
    expect(await reasonOf(store(scene, condition(scene, "J45.20", {}, stranger), stranger))).toBe(
      "CONSENT_REQUIRED",
    );
    await store(scene, condition(scene, "J45.20", {}, laboratory), laboratory);
    expect(await list(scene)).toHaveLength(1);
  });

  test("a window holds all dates of a record, and what has none is not in it", async () => {
    const window = { from: Date.parse("2026-02-01T00:00:00Z"), to: Date.parse("2026-04-01T00:00:00Z") };
    const scene = await openClinicalScene(undefined, { window });
    await store(scene, condition(scene, "J45.20"));
    await store(scene, condition(scene, "J45.21", { onsetDateTime: "2025-12" }));
    await store(scene, condition(scene, "J45.22", { recordedDate: "2026-05-01" }));
    await store(scene, condition(scene, "J45.30", { onsetDateTime: undefined }));
    expect((await list(scene)).map(({ resource }) => JSON.parse(resource).code.coding[0].code)).toEqual([
      "J45.20",
    ]);
  });

  test("a heart rate that is kept whole is decided by its code", async () => {
    const scene = await openClinicalScene(["heart"]);
    await store(scene, labResult(scene, "8867-4"));
    await store(scene, labResult(scene, "4548-4"));
    expect((await list(scene)).map(({ categories }) => categories)).toEqual([["heart"]]);
  });

  test("a reader without any consent is told what an unknown patient's reader is", async () => {
    const scene = await openClinicalScene();
    const stranger = application();
    expect(await reasonOf(list(scene, {}, stranger))).toBe("CONSENT_REQUIRED");
    const nobody = { ...scene, patient: scene.world.patient() };
    expect(await reasonOf(list(nobody))).toBe("CONSENT_REQUIRED");
  });

  test("after a revocation nothing is read", async () => {
    const scene = await openClinicalScene();
    await store(scene, condition(scene, "J45.20"));
    const [record] = await list(scene);
    await scene.world.consent.revoke(scene.consent);
    expect(await reasonOf(read(scene, record!.id))).toBe("CONSENT_REQUIRED");
    expect(await reasonOf(list(scene))).toBe("CONSENT_REQUIRED");
  });
});

test("everything covers the keys of all that can be stored", () => {
  expect(everything).toContain("conditions@1");
});
