/**
 * What a reader may not see leaves no trace. Two patients: one has rows that the clinic's consent does not cover, of the other these were never
 * sent. Every answer about both is the same: entries, order, pages, errors.
 */
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, type Person } from "@wellapi/demo/people";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { fetchDecided } from "../decided.ts";
import { sharedExchange } from "../shared-exchange.ts";
import { keyOf } from "../surface/cases.ts";
import { askFhir, bandSeries, contribute, patientOf, single } from "./fhir-scene.ts";

const T0 = Date.UTC(2026, 2, 1, 7);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The consent is for what was captured from here on. */
const from = T0 + 3 * DAY;

interface Row {
  readonly kind: "heart series" | "steps" | "heart" | "weight" | "condition" | "allergy";
  /** A time of its own, so that no order hangs on ids, which are random. */
  readonly ms: number;
  readonly value: number;
}

const permitted = ({ kind, ms }: Row) =>
  kind === "condition" || (["heart series", "heart"].includes(kind) && ms >= from);

/** Fixed, so that a failure comes again. */
const rows: Row[] = fc
  .sample(
    fc.record({
      kind: fc.constantFrom(
        "heart series",
        "steps",
        "heart",
        "weight",
        "condition",
        "allergy",
      ) as fc.Arbitrary<Row["kind"]>,
      ms: fc.integer({ min: 0, max: 8 * 24 }),
      value: fc.integer({ min: 40, max: 160 }),
    }),
    { numRuns: 60, seed: 14 },
  )
  .map((row, at) => ({ ...row, ms: T0 + row.ms * HOUR + at * 7_000 }));

/** A line of an export without ids, which are random, and without times of receipt. */
function withoutChance(line: string): string {
  return line
    .replace(/,?"lastUpdated":"[^"]*"/g, "")
    .replace(/(pat|obs|rec|ser|dev)-[0-9a-z]{16,26}(-[0-9a-zN]+)?|[0-9a-z]{26}(?=\.)/g, "ID");
}

describe("a FHIR reader", () => {
  const server = sharedExchange();
  let maker: Company;
  let clinic: Company;
  let clinicKey = "";
  const patients: { person: Person; atMaker: string; atClinic: string }[] = [];

  beforeAll(async () => {
    maker = await enrolCompany(server, "Maker");
    clinic = await enrolCompany(server, "Clinic");
    clinicKey = await keyOf(server, clinic);
    const makerKey = await keyOf(server, maker);
    const known = new Set<string>();
    for (const sent of [rows, rows.filter(permitted)]) {
      const categories = ["heart", "conditions"];
      const patient = await patientOf(server, { maker, clinic, known }, { categories, from });
      patients.push(patient);
      await send(makerKey, patient.atMaker, sent);
    }
  }, 240_000);

  async function send(makerKey: string, patient: string, sent: readonly Row[]): Promise<void> {
    const of = (kind: Row["kind"]) => sent.filter((row) => row.kind === kind);
    const values = (row: Row) => [row.value, row.value + 1, row.value + 2].map(String);
    await contribute(maker, patient, {
      series: [
        ...of("heart series").map((row) => bandSeries("8867-4", "/min", row.ms, values(row), 1_000)),
        ...of("steps").map((row) => bandSeries("55423-8", "{steps}", row.ms, values(row), 1_000)),
      ],
      observations: [
        ...of("heart").map((row) => ({
          ...single("8867-4", "/min", row.ms, `${row.value}.0`),
          device: { identifier: "serial-1", model: "Band" },
        })),
        ...of("weight").map((row) => single("29463-7", "kg", row.ms, `${row.value}.0`)),
      ],
    });
    for (const row of [...of("condition"), ...of("allergy")]) {
      const code = { coding: [{ system: "urn:codes", code: `c${row.value % 3}` }] };
      const reference = `Patient/${patient.replace("_", "-")}`;
      const at = new Date(row.ms < from ? row.ms + 10 * DAY : row.ms).toISOString();
      const resource =
        row.kind === "condition"
          ? { resourceType: "Condition", subject: { reference }, code, onsetDateTime: at }
          : {
              resourceType: "AllergyIntolerance",
              patient: { reference },
              clinicalStatus: {
                coding: [
                  {
                    system: "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                    code: "active",
                  },
                ],
              },
              code,
              recordedDate: at,
            };
      const told = await askFhir(server, makerKey, `/${resource.resourceType}`, {
        method: "POST",
        headers: { "content-type": "application/fhir+json" },
        body: JSON.stringify(resource),
      });
      expect([row.kind, told.status]).toEqual([row.kind, 201]);
    }
  }

  /** All pages of a question, without what is random or of the clock: ids by their first place, no times of receipt. */
  async function pagesOf(question: string, at: number): Promise<unknown[]> {
    const pages: unknown[] = [];
    const names = new Map<string, string>();
    const named = (id: string) => names.get(id) ?? names.set(id, `<${names.size}>`).get(id)!;
    let next: string | undefined = question.replaceAll("PATIENT", patients[at]!.atClinic);
    while (next !== undefined && pages.length < 100) {
      const { status, text, body } = await askFhir(server, clinicKey, next);
      next = body.link?.find(({ relation }: { relation: string }) => relation === "next")?.url;
      const told = text
        .replace(/_page=[^"]*/g, "_page")
        .replace(/,?"lastUpdated":"[^"]*"/g, "")
        .replace(/(pat|obs|rec|ser|dev)-[0-9a-z]{16,26}(-[0-9a-zN]+)?|[0-9a-z]{26}(?=\.)/g, named);
      pages.push([status, told]);
    }
    return pages;
  }

  test("is told the same whether rows that it may not see were ever there", async () => {
    const questions = fc.record({
      path: fc.constantFrom(
        "/Observation?patient=PATIENT",
        "/Condition?patient=PATIENT",
        "/AllergyIntolerance?patient=PATIENT",
        "/Device?patient=PATIENT",
        "/Patient/PATIENT/$everything?",
        "/Observation/$lastn?patient=PATIENT&code=8867-4,55423-8,29463-7",
        "/Observation/$lastn?patient=PATIENT&category=vital-signs,activity",
      ),
      code: fc.constantFrom("", "&code=8867-4", "&code=29463-7", "&code=55423-8,8867-4", "&code=c1"),
      category: fc.constantFrom("", "&category=activity", "&category=vital-signs"),
      date: fc.constantFrom(
        "",
        "&date=lt2026-03-04",
        "&date=ge2026-03-05",
        "&date=2026-03-06",
        "&date=le2026-03-02",
      ),
      value: fc.constantFrom("", "&value-quantity=gt100", "&status=final", "&status=amended"),
      sort: fc.constantFrom("", "&_sort=date", "&_sort=-date", "&_sort=code"),
      count: fc.constantFrom("", "&_count=1", "&_count=2", "&_count=5", "&_count=0"),
      subset: fc.constantFrom("", "&_summary=true", "&_elements=code"),
    });
    let told = 0;
    await fc.assert(
      fc.asyncProperty(questions, async ({ path, code, category, date, value, sort, count, subset }) => {
        const observed = path.startsWith("/Observation?");
        const question = observed
          ? path + code + category + date + value + sort + count + subset
          : path.includes("?patient") && !path.includes("lastn")
            ? path + count + subset
            : path.endsWith("?")
              ? path + count.slice(1)
              : path;
        const [all, consented] = [await pagesOf(question, 0), await pagesOf(question, 1)];
        expect(all).toEqual(consented);
        told += all.filter((page) => (page as [number, string])[1].includes('"entry"')).length;
      }),
      { numRuns: 40 },
    );
    // The property would hold of a server that tells nothing, too.
    expect(told).toBeGreaterThan(20);
  }, 280_000);

  test("is told the same by filters of an export", async () => {
    const askBulk = (path: string) =>
      fetchDecided(path.startsWith("/") ? `${server.http}/fhir/R4${path}` : path, {
        headers: { "x-api-key": clinicKey, prefer: "respond-async" },
      });
    const local = (url: string) => server.http + new URL(url).pathname;
    let told = 0;
    for (const filter of [
      "Observation?code=8867-4,29463-7&value-quantity=gt100",
      "Observation?date=le2026-03-05",
      "Condition?code=c1",
      "AllergyIntolerance?clinical-status=active",
    ]) {
      const begun = await askBulk(`/Patient/$export?_typeFilter=${encodeURIComponent(filter)}`);
      const manifest = await (await askBulk(local(begun.headers.get("content-location")!))).json();
      const { output } = manifest as { output: readonly { type: string; url: string }[] };
      const files = output.filter(({ type }) => filter.startsWith(type));
      const texts = await Promise.all(files.map(async ({ url }) => (await askBulk(local(url))).text()));
      const lines = texts
        .join("")
        .split("\n")
        .filter((line) => line !== "");
      const [all, consented] = patients.map(({ atClinic }) => {
        const of = lines.filter((line) => line.includes(`"Patient/${atClinic}"`));
        return of.map(withoutChance).sort();
      });
      expect(all).toEqual(consented);
      told += all!.length;
    }
    expect(told).toBeGreaterThan(4);
  }, 60_000);

  test("is told that what it read before a revocation is not there, as of what never was", async () => {
    const { person, atClinic } = patients[0]!;
    const consent = await grant(person, clinic, Direction.READ, ["body"]);
    const read = await askFhir(server, clinicKey, `/Observation?patient=${atClinic}&code=29463-7&_count=1`);
    const { id } = read.body.entry[0].resource;
    expect((await askFhir(server, clinicKey, `/Observation/${id}`)).status).toBe(200);
    await createClient(ConsentService, person.transport).revokeConsent({ consent });
    const never = id.replace(/obs-.*/, `obs-${"0".repeat(26)}-0`);
    for (const path of [(one: string) => `/Observation/${one}`, (one: string) => `/Observation?_id=${one}`]) {
      const [revoked, absent] = await Promise.all(
        [id, never].map((one) => askFhir(server, clinicKey, path(one))),
      );
      expect([revoked!.status, revoked!.text.replaceAll(id, "ID")]).toEqual([
        absent!.status,
        absent!.text.replaceAll(never, "ID"),
      ]);
    }
  });
});
