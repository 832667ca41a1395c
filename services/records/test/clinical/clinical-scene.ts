import { create } from "@bufbuild/protobuf";
import { ClinicalOutcome_Status } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { keysOfCategory, shippedTerminology } from "@wellapi/terminology";
import type { TestConsent } from "../fake-consent.ts";
import {
  application,
  openWorld,
  type TestApplication,
  type TestPatient,
  type World,
  type WorldOptions,
} from "../world.ts";

export const Status = ClinicalOutcome_Status;
export { create };

/** Keys of the current versions of categories, as consents for them cover. */
export function keys(...categories: string[]): string[] {
  return categories.flatMap((name) => [
    ...keysOfCategory(name, shippedTerminology.currentVersion(name)),
    ...shippedTerminology.codesOf(name, shippedTerminology.currentVersion(name)),
  ]);
}

export const everything = keys(...shippedTerminology.categories);

export interface ClinicalScene {
  readonly world: World;
  /** Contributes whatever there is. */
  readonly hospital: TestApplication;
  /** Reads what the test says. */
  readonly clinic: TestApplication;
  readonly patient: TestPatient;
  readonly consent: string;
  readonly contribution: string;
}

/** A hospital that contributes all categories, and a clinic that reads these categories for treatment. */
export async function openClinicalScene(
  categories: readonly string[] = shippedTerminology.categories,
  terms: Partial<TestConsent> = {},
  options: WorldOptions = {},
): Promise<ClinicalScene> {
  const world = await openWorld(options);
  const hospital = application();
  const clinic = application();
  const patient = world.patient();
  const contribution = await world.grant(patient, {
    organization: hospital.organization,
    direction: Direction.CONTRIBUTE,
    codes: everything,
  });
  const consent = await world.grant(patient, {
    organization: clinic.organization,
    direction: Direction.READ,
    codes: keys(...categories),
    ...terms,
  });
  return { world, hospital, clinic, patient, consent, contribution };
}

/** The reference to the patient, as the application writes it. */
export function subjectFor(
  { world, patient }: Pick<ClinicalScene, "world" | "patient">,
  app: TestApplication,
) {
  return { reference: `Patient/${world.idFor(app, patient).replace("_", "-")}` };
}

type Members = Readonly<Record<string, unknown>>;

/** A condition by ICD-10-CM. */
export function condition(
  scene: ClinicalScene,
  code: string,
  more: Members = {},
  app = scene.hospital,
): string {
  return JSON.stringify({
    resourceType: "Condition",
    clinicalStatus: {
      coding: [{ system: "http://terminology.hl7.org/CodeSystem/condition-clinical", code: "active" }],
    },
    code: { coding: [{ system: "http://hl7.org/fhir/sid/icd-10-cm", code }] },
    subject: subjectFor(scene, app),
    onsetDateTime: "2026-03-01",
    ...more,
  });
}

/** An observation of a laboratory, by LOINC. */
export function labResult(scene: ClinicalScene, code: string, more: Members = {}): string {
  return JSON.stringify({
    resourceType: "Observation",
    status: "final",
    category: [
      {
        coding: [
          { system: "http://terminology.hl7.org/CodeSystem/observation-category", code: "laboratory" },
        ],
      },
    ],
    code: { coding: [{ system: "http://loinc.org", code }] },
    subject: subjectFor(scene, scene.hospital),
    effectiveDateTime: "2026-03-02T08:00:00Z",
    ...more,
  });
}

/** Stores a record; its outcome. */
export async function store(scene: ClinicalScene, resource: string, app = scene.hospital, requestId = "") {
  const { world, patient } = scene;
  const request = {
    patient: world.idFor(app, patient),
    requestId,
    write: { case: "create", value: { resource } },
  } as const;
  const { outcome } = await world.clinical(app).putClinicalRecord(request);
  return outcome!;
}

/** The hospital's id of a record as the clinic has it. */
export async function clinicIds(scene: ClinicalScene): Promise<string[]> {
  return (await list(scene)).map(({ id }) => id);
}

/** All that the clinic can list, over pages of a size. */
export async function list(scene: ClinicalScene, query: Members = {}, app = scene.clinic) {
  const { world, patient } = scene;
  const found = [];
  for (let pageToken = ""; ; ) {
    const page = await world.clinical(app).listClinicalRecords({
      patient: world.idFor(app, patient),
      purpose: Purpose.TREATMENT,
      ...query,
      pageToken,
    });
    found.push(...page.records);
    pageToken = page.nextPageToken;
    if (pageToken === "") return found;
  }
}
