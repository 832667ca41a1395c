/** What the scopes of an access token take away, and that they never add anything. */
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  append,
  HEART_RATE,
  heartRates,
  openScene,
  queryInit,
  readAll,
  reasonOf,
  STEPS,
  type TestApplication,
  WEIGHT,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const steps = { ...heartRates(T0, [5, 6]), code: { code: STEPS }, unit: "{steps}" };
const weight = { ...heartRates(T0, [80, 81]), code: { code: WEIGHT }, unit: "kg" };
const heart = heartRates(T0, [60, 61, 62]);

type Scene = Awaited<ReturnType<typeof openScene>>;

const withScopes = (application: TestApplication, ...scopes: string[]): TestApplication => ({
  ...application,
  scopes,
});

/** The codes that are listed, and the samples of a code, or why not. */
async function seen(scene: Scene, reader: TestApplication, code: string) {
  const { world, patient } = scene;
  const asked = { patient: world.idFor(reader, patient), purpose: Purpose.TREATMENT };
  const listed = await world
    .reader(reader)
    .listSeries(asked)
    .then(
      ({ series }) => series.map((one) => one.code!.code),
      () => [],
    );
  const reading = readAll({ ...scene, clinic: reader }, { code });
  const samples = await reading.catch(() => reasonOf(reading));
  return { listed, samples };
}

const categories = ["heart", "body", "activity", "vital-signs", "sleep", "nothing"];
const permissions = fc.subarray([..."cruds"], { minLength: 1 }).map((letters) => letters.join(""));
const scope = fc
  .record({
    context: fc.constantFrom("patient", "user", "system"),
    resource: fc.constantFrom("Observation", "Observation", "*", "Consent"),
    permissions,
    narrowed: fc.option(fc.subarray(categories, { minLength: 1 })),
  })
  .map(({ context, resource, permissions: some, narrowed }) => {
    const query = narrowed === null || resource !== "Observation" ? "" : `?category=${narrowed.join(",")}`;
    return `${context}/${resource}.${some}${query}`;
  });

test("whatever the scopes are, a reader sees with them no more than without", async () => {
  const scene = await openScene({ codes: [HEART_RATE, WEIGHT] });
  await append(scene, "one", [heart, steps, weight]);
  const without = new Map<string, Awaited<ReturnType<typeof seen>>>();
  for (const code of [HEART_RATE, STEPS, WEIGHT]) without.set(code, await seen(scene, scene.clinic, code));
  expect(without.get(HEART_RATE)!.samples).toHaveLength(3);
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(scope, { maxLength: 3 }),
      fc.constantFrom(HEART_RATE, STEPS, WEIGHT),
      async (scopes, code) => {
        const narrowed = await seen(scene, withScopes(scene.clinic, ...scopes), code);
        const whole = without.get(code)!;
        expect(whole.listed).toEqual(expect.arrayContaining(narrowed.listed));
        if (narrowed.samples !== "SCOPE_REQUIRED") expect(narrowed.samples).toEqual(whole.samples);
        outcomes.add(typeof narrowed.samples === "string" ? narrowed.samples : "read");
        outcomes.add(`${narrowed.listed.length} listed`);
      },
    ),
    {
      numRuns: 60,
      // What chance may leave out: a scope of one category lists its series alone.
      examples: ["patient", "user", "system"].map((context) => [
        [`${context}/Observation.cruds?category=heart`],
        HEART_RATE,
      ]),
    },
  );
  expect(outcomes).toContain("read");
  expect(outcomes).toContain("SCOPE_REQUIRED");
  expect(outcomes).toContain("1 listed");
}, 60_000);

test("a category of the token is kept in each kind of read", async () => {
  const scene = await openScene({ codes: [HEART_RATE, WEIGHT] });
  await append(scene, "one", [heart, weight]);
  const { world, clinic, patient } = scene;
  const records = world.reader(withScopes(clinic, "system/Observation.rs?category=heart"));
  const asked = (code: string) => queryInit(world.idFor(clinic, patient), { code });
  for (const [code, expected] of [
    [HEART_RATE, "OK"],
    [WEIGHT, "SCOPE_REQUIRED"],
  ] as const) {
    const page = { ...asked(code), pageSize: 10 };
    expect(await reasonOf(records.querySeries(page)), code).toBe(expected);
    expect(await reasonOf(records.listObservations(page)), code).toBe(expected);
    const first = records.watchSeries({
      patient: asked(code).patient,
      purpose: Purpose.TREATMENT,
      codes: [{ code }],
    });
    if (expected !== "OK") {
      expect(await reasonOf(first[Symbol.asyncIterator]().next() as never), code).toBe(expected);
    }
  }
  const denied = (await world.accesses()).filter(({ reason }) => reason === "SCOPE_REQUIRED");
  expect(denied.length).toBeGreaterThanOrEqual(3);
  expect(denied.every(({ outcome, patient: of }) => outcome === Access_Outcome.DENIED && of !== "")).toBe(
    true,
  );
});

test("a writer's token takes the items within its categories, and the others may come again with another token", async () => {
  const scene = await openScene();
  const { maker } = scene;
  const sent = async (writer: TestApplication, ...series: Parameters<typeof append>[2]) => {
    const { items } = await append({ ...scene, maker: writer }, "one", series);
    return items.map(({ status, violations }) =>
      [ItemOutcome_Status[status], ...violations.map(({ reason }) => reason)].join(" "),
    );
  };
  const narrow = withScopes(maker, "system/Observation.c?category=heart");
  expect(await sent(narrow, heart, weight)).toEqual(["ACCEPTED", "REJECTED SCOPE_REQUIRED"]);
  expect(await sent(maker, heart, weight)).toEqual([expect.stringMatching(/ACCEPTED|DUPLICATE/), "ACCEPTED"]);
  expect(await reasonOf(append({ ...scene, maker: narrow }, "two", [weight]))).toBe("SCOPE_REQUIRED");
  // A read permission is none to write.
  const reader = withScopes(maker, "system/Observation.rs");
  expect(await reasonOf(append({ ...scene, maker: reader }, "three", [heart]))).toBe("SCOPE_REQUIRED");
  const patient = scene.world.idFor(maker, scene.patient);
  const retract = (writer: TestApplication) =>
    scene.world.writer(writer).retractBatch({
      retraction: { patient, target: { case: "batchRequestId", value: "one" }, reason: 1 },
    });
  expect(await reasonOf(retract(withScopes(maker, "system/Observation.d?category=heart")))).toBe(
    "SCOPE_REQUIRED",
  );
  expect(await reasonOf(retract(withScopes(maker, "system/Observation.cud")))).toBe("OK");
});

test("a token for one patient reaches no other one, known or not, and the other one's log says that it was tried", async () => {
  const scene = await openScene();
  const { world, clinic, maker, patient } = scene;
  await append(scene, "one", [heart]);
  const other = world.patient();
  for (const [organization, direction] of [
    [clinic.organization, Direction.READ],
    [maker.organization, Direction.CONTRIBUTE],
  ] as const) {
    await world.grant(other, { organization, direction, codes: [HEART_RATE] });
  }
  await append({ ...scene, patient: other }, "one", [heart]);
  const limited = { ...clinic, scopes: ["patient/Observation.rs"], onlyPatient: patient.partition };
  const read = (of: string) => world.reader(limited).querySeries({ ...queryInit(of, {}), pageSize: 5 });
  expect(await reasonOf(read(world.idFor(clinic, patient)))).toBe("OK");
  for (const id of [world.idFor(clinic, other), world.idFor(maker, patient), "pat_none"]) {
    expect(await reasonOf(read(id)), id).toBe("SCOPE_REQUIRED");
  }
  const writer = { ...maker, scopes: ["patient/Observation.cd"], onlyPatient: patient.partition };
  expect(await reasonOf(append({ ...scene, maker: writer }, "two", [heart]))).toBe("OK");
  const there = { ...scene, maker: writer, patient: other };
  expect(await reasonOf(append(there, "two", [heart]))).toBe("SCOPE_REQUIRED");
  const retraction = {
    patient: world.idFor(maker, other),
    target: { case: "batchRequestId" as const, value: "one" },
    reason: 1,
  };
  expect(await reasonOf(world.writer(writer).retractBatch({ retraction }))).toBe("SCOPE_REQUIRED");
  await world.accesses();
  const tried = world.leaves.filter(
    ({ partition, access }) => partition === other.partition && access.reason === "SCOPE_REQUIRED",
  );
  expect(tried).toHaveLength(3);
});
