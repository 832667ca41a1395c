import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createLogger } from "@wellapi/runtime";
import { describe, expect, test } from "vitest";
import { openSignalBus } from "../signal-bus.ts";
import { allBytes, application, reasonOf } from "../world.ts";
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
} from "./clinical-scene.ts";

type Write =
  | { case: "create"; value: { resource: string; ifNoneExist?: { system?: string; value: string } } }
  | { case: "update"; value: { record: string; resource: string; etag?: string } }
  | { case: "delete"; value: { record: string; etag?: string } };

async function write(scene: ClinicalScene, requestId: string, writes: readonly Write[], atomic = false) {
  const { world, hospital, patient } = scene;
  const { receipt } = await world.clinical(hospital).writeClinicalRecords({
    batch: {
      requestId,
      patient: world.idFor(hospital, patient),
      atomic,
      writes: writes.map((operation) => ({ operation })),
    },
  });
  return receipt!.outcomes;
}

const creation = (resource: string, value?: string): Write => ({
  case: "create",
  value: {
    resource,
    ...(value === undefined ? {} : { ifNoneExist: { system: "https://h.example/ids", value } }),
  },
});

const identified = (scene: ClinicalScene, value: string, code = "J45.20") =>
  condition(scene, code, { identifier: [{ system: "https://h.example/ids", value }] });

const codesOf = (records: readonly { resource: string }[]) =>
  records.map(({ resource }) => JSON.parse(resource).code.coding[0].code);

describe("sent twice, stored once", () => {
  test("under one request id, and another content under it is refused", async () => {
    const scene = await openClinicalScene();
    const first = await store(scene, condition(scene, "J45.20"), scene.hospital, "put-1");
    const again = await store(scene, condition(scene, "J45.20"), scene.hospital, "put-1");
    expect(again).toMatchObject({ status: Status.DUPLICATE, record: first.record, version: 1 });
    expect(await reasonOf(store(scene, condition(scene, "J45.21"), scene.hospital, "put-1"))).toBe(
      "REQUEST_ID_REUSED",
    );
    expect(await list(scene)).toHaveLength(1);
  });

  test("what was rejected is judged afresh, what was stored is not stored again", async () => {
    const scene = await openClinicalScene();
    const lab = application();
    await scene.world.grant(scene.patient, {
      organization: lab.organization,
      direction: Direction.CONTRIBUTE,
      codes: keys("conditions"),
    });
    const theirs = { ...scene, hospital: lab };
    const writes = [creation(condition(theirs, "J45.20")), creation(condition(theirs, "F32.1"))];
    const before = await write(theirs, "batch-1", writes);
    expect(before.map(({ status }) => status)).toEqual([Status.CREATED, Status.REJECTED]);
    await scene.world.grant(scene.patient, {
      organization: lab.organization,
      direction: Direction.CONTRIBUTE,
      codes: keys("mental_health"),
    });
    const after = await write(theirs, "batch-1", writes);
    expect(after.map(({ status }) => status)).toEqual([Status.DUPLICATE, Status.CREATED]);
    expect(await list(scene)).toHaveLength(2);
  });

  test("of two callers with one If-None-Exist, over two replicas, one creates", async () => {
    const scene = await openClinicalScene();
    const { world, hospital, patient } = scene;
    const replica = await world.openReplica({
      store: world.store,
      signals: openSignalBus().connect(),
      lookEveryMs: 60_000,
    });
    const request = {
      patient: world.idFor(hospital, patient),
      write: {
        case: "create" as const,
        value: {
          resource: identified(scene, "visit-7"),
          ifNoneExist: { system: "https://h.example/ids", value: "visit-7" },
        },
      },
    };
    const clients = [world.clinical(hospital), replica.clinical(hospital)];
    const answers = await Promise.all(
      [...clients, ...clients, ...clients].map(
        async (client) => (await client.putClinicalRecord(request)).outcome!,
      ),
    );
    expect(answers.filter(({ status }) => status === Status.CREATED)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === Status.EXISTED)).toHaveLength(5);
    expect(new Set(answers.map(({ record }) => record)).size).toBe(1);
    expect(await list(scene)).toHaveLength(1);
  });

  test("If-None-Exist looks at the caller's own records of the type alone, and names one", async () => {
    const scene = await openClinicalScene();
    const other = application();
    await scene.world.grant(scene.patient, {
      organization: other.organization,
      direction: Direction.CONTRIBUTE,
      codes: everything,
    });
    await store(
      scene,
      condition(scene, "J45.20", { identifier: [{ system: "https://h.example/ids", value: "a" }] }, other),
      other,
    );
    const one = await write(scene, "b-1", [
      creation(identified(scene, "a"), "a"),
      creation(identified(scene, "a"), "a"),
    ]);
    expect(one.map(({ status }) => status)).toEqual([Status.CREATED, Status.EXISTED]);
    await write(scene, "b-2", [creation(identified(scene, "a"))]);
    const [several] = await write(scene, "b-3", [creation(identified(scene, "a"), "a")]);
    expect(several!.violations[0]!.reason).toBe("MATCHES_SEVERAL");
  });
});

describe("all or nothing", () => {
  test("an atomic batch with one rejected item stores nothing; one that is not keeps the neighbours", async () => {
    const scene = await openClinicalScene();
    const writes = [creation(condition(scene, "J45.20")), creation(`{"resourceType":"Condition"}`)];
    const outcomes = await write(scene, "t-1", writes, true);
    expect(outcomes.map(({ violations }) => violations[0]!.reason)).toEqual([
      "ANOTHER_REJECTED",
      "INVALID_RESOURCE",
    ]);
    expect(await list(scene)).toEqual([]);
    await write(scene, "t-2", writes);
    expect(await list(scene)).toHaveLength(1);
  });
});

describe("versions", () => {
  test("an update needs the etag that counts, keeps what was, and of two at once one wins", async () => {
    const scene = await openClinicalScene();
    const { record, etag } = await store(scene, condition(scene, "J45.20"));
    const updates = ["J45.21", "J45.22"].map((code) =>
      write(scene, `u-${code}`, [
        { case: "update", value: { record, resource: condition(scene, code), etag } },
      ]),
    );
    const statuses = (await Promise.all(updates)).map(([outcome]) => outcome!.status).sort();
    expect(statuses).toEqual([Status.UPDATED, Status.REJECTED]);

    const [now] = await list(scene);
    expect(now!.version).toBe(2);
    const request = {
      patient: scene.world.idFor(scene.clinic, scene.patient),
      record: now!.id,
      purpose: Purpose.TREATMENT,
    };
    const clinic = scene.world.clinical(scene.clinic);
    const { versions } = await clinic.listClinicalRecordVersions(request);
    expect(versions.map(({ version }) => version)).toEqual([2, 1]);
    const before = (await clinic.getClinicalRecord({ ...request, version: 1 })).record!;
    expect(codesOf([before])).toEqual(["J45.20"]);
  });

  test("what is sent as it is makes no version; another type, and another's record, are refused", async () => {
    const scene = await openClinicalScene();
    const { record } = await store(scene, condition(scene, "J45.20"));
    const update = (resource: string): Write => ({ case: "update", value: { record, resource } });
    const [same] = await write(scene, "u-1", [update(condition(scene, "J45.20"))]);
    expect(same).toMatchObject({ status: Status.UNCHANGED, version: 1 });
    const [other] = await write(scene, "u-2", [update(labResult(scene, "4548-4"))]);
    expect(other!.violations[0]!.reason).toBe("OTHER_TYPE");

    const stranger = { ...scene, hospital: application() };
    await scene.world.grant(scene.patient, {
      organization: stranger.hospital.organization,
      direction: Direction.CONTRIBUTE,
      codes: everything,
    });
    const [seen] = await list({ ...scene, clinic: scene.clinic });
    for (const id of [record, seen!.id]) {
      const [refused] = await write(stranger, `u-${id}`, [
        { case: "update", value: { record: id, resource: condition(stranger, "J45.20") } },
      ]);
      expect(refused!.violations[0]!.reason).toBe("NOT_FOUND");
    }
  });

  test("a version that falls into more categories is not read by who reads the one before", async () => {
    const scene = await openClinicalScene(["conditions"]);
    const { record } = await store(scene, condition(scene, "J45.20"));
    const [seen] = await list(scene);
    await write(scene, "u-1", [{ case: "update", value: { record, resource: condition(scene, "F32.1") } }]);
    expect(await list(scene)).toEqual([]);
    const request = {
      patient: scene.world.idFor(scene.clinic, scene.patient),
      record: seen!.id,
      purpose: Purpose.TREATMENT,
    };
    const clinic = scene.world.clinical(scene.clinic);
    expect(await reasonOf(clinic.getClinicalRecord(request))).toBe("NOT_FOUND");
    const { versions } = await clinic.listClinicalRecordVersions(request);
    expect(versions.map(({ version }) => version)).toEqual([1]);
  });

  test("what is deleted is gone for readers, needs no consent, and stays in the patient's own history", async () => {
    const scene = await openClinicalScene();
    const { record, etag } = await store(scene, condition(scene, "J45.20"));
    const { world, hospital, patient, clinic } = scene;
    const [seen] = await list(scene);
    const own = { patient: world.ownId(patient), purpose: Purpose.PATIENT_REQUEST };
    const mine = await world.ownClinical(patient).listClinicalRecords(own);
    await world.consent.revoke(scene.contribution);
    const deletion = { patient: world.idFor(hospital, patient), delete: { record, etag } };
    const { outcome } = await world.clinical(hospital).deleteClinicalRecord(deletion);
    expect(outcome).toMatchObject({ status: Status.DELETED, version: 2 });
    expect(await reasonOf(world.clinical(hospital).deleteClinicalRecord(deletion))).toBe("ETAG_MISMATCH");
    const again = await world.clinical(hospital).deleteClinicalRecord({ ...deletion, delete: { record } });
    expect(again.outcome).toMatchObject({ status: Status.DELETED, version: 2 });

    expect(await list(scene)).toEqual([]);
    const request = { patient: world.idFor(clinic, patient), record: seen!.id, purpose: Purpose.TREATMENT };
    for (const version of [0, 1, 2]) {
      expect(await reasonOf(world.clinical(clinic).getClinicalRecord({ ...request, version }))).toBe(
        "RECORD_DELETED",
      );
    }
    const { versions } = await world
      .ownClinical(patient)
      .listClinicalRecordVersions({ ...own, record: mine.records[0]!.id });
    expect(versions.map(({ version, deleted }) => [version, deleted])).toEqual([
      [2, true],
      [1, false],
    ]);
    const back: Write = { case: "update", value: { record, resource: condition(scene, "J45.20") } };
    expect(await reasonOf(write(scene, "u-1", [back]))).toBe("CONSENT_REQUIRED");
  });
});

test("streamed batches have answers of their own, found by their request id", async () => {
  const scene = await openClinicalScene();
  const { world, hospital, patient } = scene;
  const id = world.idFor(hospital, patient);
  async function* requests() {
    for (const [requestId, resource] of [
      ["s-1", condition(scene, "J45.20")],
      ["s-2", "{"],
      ["s-3", labResult(scene, "4548-4")],
    ] as const) {
      yield {
        batch: {
          requestId,
          patient: id,
          writes: [{ operation: { case: "create" as const, value: { resource } } }],
        },
      };
    }
    yield { batch: { requestId: "s-4", patient: id, writes: [] } };
    yield {
      batch: {
        requestId: "s-5",
        patient: "pat_nobody",
        writes: [{ operation: { case: "create" as const, value: { resource: condition(scene, "J45.20") } } }],
      },
    };
  }
  const said = new Map<string, unknown>();
  for await (const { requestId, result } of world.clinical(hospital).streamClinicalRecords(requests())) {
    said.set(requestId, result.case === "receipt" ? result.value.outcomes[0]!.status : result.value!.reason);
  }
  expect([...said].sort()).toEqual([
    ["s-1", Status.CREATED],
    ["s-2", Status.REJECTED],
    ["s-3", Status.CREATED],
    ["s-4", "INVALID_FIELD"],
    ["s-5", "CONSENT_REQUIRED"],
  ]);
});

test("neither files nor log lines nor errors hold what a record says; after an erasure nothing opens", async () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({
    name: "test",
    env: { WELLAPI_LOG_FORMAT: "json", WELLAPI_LOG_LEVEL: "debug" },
    destination,
  });
  const scene = await openClinicalScene(undefined, {}, { log });
  const { world, patient } = scene;
  const canaries = ["F32.17", "canary-mrn-4711", "canary words of a note", "44261-6", "mental_health"];
  const text = (code: string) =>
    condition(scene, code, {
      identifier: [{ system: "https://h.example/ids", value: "canary-mrn-4711" }],
      note: [{ text: "canary words of a note" }],
      evidence: [{ code: [{ coding: [{ system: "http://loinc.org", code: "44261-6" }] }] }],
    });
  const { record } = await store(scene, text("F32.17"));
  await write(scene, "u-1", [{ case: "update", value: { record, resource: text("F32.18") } }]);
  const wrong = text("F32.17").replace('"clinicalStatus"', '"canary words of a note"');
  const failure = await store(scene, wrong).catch((error: unknown) => error as Error);
  expect(String((failure as Error).message)).not.toContain("canary");
  await list(scene);

  const bytes = await allBytes(world.folder);
  expect(bytes.length).toBeGreaterThan(10_000);
  for (const canary of canaries) {
    expect(bytes.includes(canary), canary).toBe(false);
    expect(lines.join("\n"), canary).not.toContain(canary);
  }
  const { partition } = patient;
  await world.own(patient).erasePatient({ patient: world.ownId(patient) });
  for (const collection of [
    "clinical_records",
    "clinical_versions",
    "clinical_terms",
    "clinical_labels",
    "clinical_receipts",
  ]) {
    expect((await world.store.scan(collection, { equals: [partition], limit: 10 })).documents).toEqual([]);
  }
  expect(await reasonOf(list(scene))).toBe("CONSENT_REQUIRED");
  expect(await reasonOf(store(scene, condition(scene, "J45.20")))).toBe("CONSENT_REQUIRED");
});
