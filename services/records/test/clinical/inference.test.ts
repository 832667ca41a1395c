/** What a reader may not see leaves no trace in lists: they are as if it had been deleted. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ClinicalOrder } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { systemClock } from "@wellapi/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";
import { application } from "../world.ts";
import {
  type ClinicalScene,
  condition,
  keys,
  labResult,
  openClinicalScene,
  subjectFor,
} from "./clinical-scene.ts";

/** What a record is, and by hand what consents have to cover of it. */
const kinds = {
  asthma: { needs: ["conditions"], code: "J45.20" },
  depression: { needs: ["conditions", "mental_health"], code: "F32.1" },
  hba1c: { needs: ["laboratory"], code: "4548-4" },
  hiv: { needs: ["laboratory", "sexual_health"], code: "56888-1" },
  penicillin: { needs: ["allergies"], code: "91936005" },
} as const;
type Kind = keyof typeof kinds;

interface Spec {
  readonly kind: Kind;
  /** Day of March 2026; 0: without a date. */
  readonly day: number;
}

const spec = fc.record({
  kind: fc.constantFrom(...(Object.keys(kinds) as Kind[])),
  day: fc.integer({ min: 0, max: 28 }),
});
const categories = fc.subarray(["conditions", "mental_health", "laboratory", "sexual_health", "allergies"], {
  minLength: 1,
});
const query = fc.record({
  order: fc.constantFrom(
    ClinicalOrder.NEWEST,
    ClinicalOrder.OLDEST,
    ClinicalOrder.UPDATED,
    ClinicalOrder.LAST_UPDATED,
  ),
  pageSize: fc.integer({ min: 1, max: 3 }),
  types: fc.constantFrom([], ["Condition"], ["Observation", "AllergyIntolerance"]),
  codes: fc.constantFrom(
    [],
    [{ code: "J45.20" }, { code: "F32.1" }],
    [{ system: "http://loinc.org", code: "56888-1" }],
  ),
  categories: fc.constantFrom([], ["laboratory"], ["conditions", "sexual_health"]),
});

function resourceOf(scene: ClinicalScene, { kind, day }: Spec, name: string): string {
  const date = day === 0 ? undefined : `2026-03-${String(day).padStart(2, "0")}`;
  const identifier = [{ system: "https://h.example/ids", value: name }];
  const { code } = kinds[kind];
  if (kind === "hba1c" || kind === "hiv")
    return labResult(scene, code, { effectiveDateTime: date, identifier });
  if (kind !== "penicillin") return condition(scene, code, { onsetDateTime: date, identifier });
  return JSON.stringify({
    resourceType: "AllergyIntolerance",
    identifier,
    clinicalStatus: {
      coding: [
        { system: "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", code: "active" },
      ],
    },
    patient: subjectFor(scene, scene.hospital),
    code: { coding: [{ system: "http://snomed.info/sct", code }] },
    ...(date === undefined ? {} : { recordedDate: date }),
  });
}

async function storeAll(scene: ClinicalScene, specs: readonly (readonly [string, Spec])[]): Promise<void> {
  const { world, hospital, patient } = scene;
  if (specs.length === 0) return;
  await world.clinical(hospital).writeClinicalRecords({
    batch: {
      requestId: "all",
      patient: world.idFor(hospital, patient),
      writes: specs.map(([name, one]) => ({
        operation: { case: "create", value: { resource: resourceOf(scene, one, name) } },
      })),
    },
  });
}

/** Page by page, the names of the records. */
async function pagesOf(scene: ClinicalScene, asked: object): Promise<string[][]> {
  const { world, clinic, patient } = scene;
  const found: string[][] = [];
  for (let pageToken = ""; ; ) {
    const page = await world.clinical(clinic).listClinicalRecords({
      patient: world.idFor(clinic, patient),
      purpose: Purpose.TREATMENT,
      ...asked,
      pageToken,
    });
    found.push(page.records.map(({ resource }) => JSON.parse(resource).identifier[0].value));
    pageToken = page.nextPageToken;
    if (pageToken === "") return found;
  }
}

test("lists are as if the records that no consent covers had been deleted, in every order and page", async () => {
  // Each write has a time of its own: records that are equal in order would stand as their random ids do.
  let now = Date.now();
  const scene = await openClinicalScene(
    undefined,
    {},
    { clock: { ...systemClock, now: () => (now += 1_000) } },
  );
  const { world } = scene;
  const march = (day: number) => Date.parse(`2026-03-${String(day).padStart(2, "0")}T00:00:00Z`);
  const run = fc.asyncProperty(
    fc.uniqueArray(spec, { maxLength: 10, selector: ({ day }) => day }),
    categories,
    fc.option(fc.integer({ min: 5, max: 15 })),
    query,
    async (specs, consented, windowFrom, asked) => {
      const isConsented = ({ kind, day }: Spec) =>
        kinds[kind].needs.every((one) => consented.includes(one)) &&
        (windowFrom === null || (day >= windowFrom && day > 0));
      const named = specs.map((one, i) => [`r-${i}`, one] as const);
      const clinic = application();
      const patients = [named, named.filter(([, one]) => isConsented(one))].map(async (records) => {
        const its = { ...scene, clinic, patient: world.patient() };
        await world.grant(its.patient, {
          organization: its.hospital.organization,
          direction: Direction.CONTRIBUTE,
          codes: keys(...["conditions", "mental_health", "laboratory", "sexual_health", "allergies"]),
        });
        await world.grant(its.patient, {
          organization: clinic.organization,
          direction: Direction.READ,
          codes: keys(...consented),
          ...(windowFrom === null ? {} : { window: { from: march(windowFrom), to: march(31) } }),
        });
        for (const one of records) await storeOne(its, one);
        return pagesOf(its, asked);
      });
      const [all, without] = await Promise.all(patients);
      expect(all).toEqual(without);
    },
  );
  await fc.assert(run, {
    numRuns: 40,
    examples: [
      // A full page, behind which lies only what is outside the window, promises no other page.
      [
        [
          { kind: "asthma", day: 1 },
          { kind: "asthma", day: 5 },
        ],
        ["conditions"],
        5,
        { order: 1, pageSize: 1, types: [], codes: [], categories: [] },
      ],
    ],
  });
}, 120_000);

/** One after the other, so that no two have one time. */
let batches = 0;
async function storeOne(scene: ClinicalScene, one: readonly [string, Spec]): Promise<void> {
  const { world, hospital, patient } = scene;
  const [name, its] = one;
  await world.clinical(hospital).putClinicalRecord({
    patient: world.idFor(hospital, patient),
    requestId: `put-${batches++}`,
    write: { case: "create", value: { resource: resourceOf(scene, its, name) } },
  });
}

test("times of the query bound what is found", async () => {
  const scene = await openClinicalScene();
  await storeAll(scene, [
    ["a", { kind: "asthma", day: 2 }],
    ["b", { kind: "hba1c", day: 9 }],
    ["c", { kind: "penicillin", day: 0 }],
  ]);
  const interval = {
    startTime: timestampFromMs(Date.parse("2026-03-02T12:00:00Z")),
    endTime: timestampFromMs(Date.parse("2026-03-09T00:00:00Z")),
  };
  expect(await pagesOf(scene, { interval })).toEqual([["a"]]);
  const updated = { endTime: timestampFromMs(Date.now() - 3_600_000) };
  expect(await pagesOf(scene, { updated })).toEqual([[]]);
});
