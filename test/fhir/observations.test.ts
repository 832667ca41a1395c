import { type Company, enrolCompany } from "@wellapi/demo/people";
import { parseResource } from "@wellapi/fhir-r4";
import { beforeAll, describe, expect, test } from "vitest";
import { sharedExchange } from "../shared-exchange.ts";
import { keyOf } from "../surface/cases.ts";
import { askFhir, bandSeries, contribute, patientOf, single, type Told } from "./fhir-scene.ts";

const T0 = Date.UTC(2026, 2, 1, 7);
const MINUTE = 60_000;
const DAY = 86_400_000;

describe("what devices stream in, as FHIR", () => {
  const server = sharedExchange();
  let clinicKey = "";
  let patient = "";
  let clinic: Company;

  beforeAll(async () => {
    clinic = await enrolCompany(server, "Clinic");
    const maker = await enrolCompany(server, "Maker");
    const categories = ["heart", "body", "blood_pressure", "activity"];
    const { atMaker, atClinic } = await patientOf(
      server,
      { maker, clinic, known: new Set() },
      { categories },
    );
    patient = atClinic;
    clinicKey = await keyOf(server, clinic);
    await contribute(maker, atMaker, {
      series: [
        bandSeries("8867-4", "/min", T0, ["60", "61.50", "62"]),
        bandSeries("8867-4", "/min", T0 + 9 * DAY, ["70", "71"], 5 * MINUTE),
        bandSeries("55423-8", "{steps}", T0 + DAY, ["10", "20", "30"], MINUTE, MINUTE),
        // Not for the clinic.
        bandSeries("8310-5", "Cel", T0, ["36.60", "36.7", "36.8"]),
      ],
      observations: [
        single("29463-7", "kg", T0 + 2 * DAY, "70.50"),
        single("8867-4", "/min", T0 + 2 * DAY, "98.60"),
        {
          ...single("85354-9", "", T0 + 3 * DAY, "0"),
          value: { case: undefined },
          components: [
            {
              code: { code: "8480-6" },
              value: { case: "quantity", value: { value: "120", unit: "mm[Hg]" } },
            },
            { code: { code: "8462-4" }, value: { case: "quantity", value: { value: "80", unit: "mm[Hg]" } } },
          ],
        },
      ],
    });
  });

  const ask = (path: string, init: RequestInit = {}) => askFhir(server, clinicKey, path, init);

  /** All entries of all pages. */
  async function all(query: string): Promise<Told["body"][]> {
    const entries: Told["body"][] = [];
    let next: string | undefined = `/Observation?patient=${patient}&${query}`;
    while (next !== undefined) {
      const { status, body } = await ask(next);
      expect([status, body.resourceType]).toEqual([200, "Bundle"]);
      entries.push(...(body.entry ?? []));
      next = body.link.find(({ relation }: { relation: string }) => relation === "next")?.url;
    }
    return entries.map(({ resource }) => resource);
  }

  const codeOf = (resource: Told["body"]) => resource.code.coding[0].code;
  const startOf = ({ effectiveDateTime, effectivePeriod }: Told["body"]) =>
    Date.parse(effectiveDateTime ?? effectivePeriod.start);

  test("comes in one search, the newest first, in pages of any size, and each is read by its id", async () => {
    const whole = await all("_count=100");
    expect(whole.map(startOf)).toEqual(whole.map(startOf).toSorted((a, b) => b - a));
    expect(whole.map(codeOf).sort()).toEqual(
      ["29463-7", "55423-8", "85354-9", "8867-4", "8867-4", "8867-4", "8867-4"].sort(),
    );
    for (const resource of whole) parseResource(JSON.stringify(resource));
    for (const count of [1, 2, 3]) expect(await all(`_count=${count}`)).toEqual(whole);
    const oldest = await all("_count=2&_sort=date");
    expect(oldest.map(startOf)).toEqual(whole.map(startOf).toReversed());
    expect(oldest.map(({ id }) => id).sort()).toEqual(whole.map(({ id }) => id).sort());
    for (const resource of whole) {
      expect((await ask(`/Observation/${resource.id}`)).body).toEqual(resource);
      const found = await ask(`/Observation?_id=${resource.id}`);
      expect(found.body.entry.map((one: Told["body"]) => one.resource)).toEqual([resource]);
    }
  });

  test("has SampledData where samples are evenly spaced, and exact digits everywhere", async () => {
    const { text, body } = await ask(`/Observation?patient=${patient}&code=8867-4&date=2026-03-01`);
    expect(body.entry.map((one: Told["body"]) => one.resource.valueSampledData)).toMatchObject([
      { period: 60_000, data: "60.00 61.50 62.00", origin: { code: "/min" } },
    ]);
    expect(text).not.toMatch(/[^:\d]36\.6/); // a time may have such a second
    const weight = await ask(`/Observation?patient=${patient}&code=http://loinc.org|29463-7`);
    expect(weight.text).toMatch(/"value":\s*70\.50/);
    const steps = await ask(`/Observation?patient=${patient}&category=activity`);
    expect(steps.body.entry[0].resource).toMatchObject({
      effectivePeriod: { start: "2026-03-02T08:00:00+01:00", end: "2026-03-02T08:03:00+01:00" },
      device: { display: "Band" },
    });
    const pressure = await ask(`/Observation?patient=${patient}&code=85354-9&_format=xml`);
    expect(pressure.text).toContain('<value value="120"/>');
  });

  test.each<[string, number]>([
    ["code=8867-4,29463-7", 5],
    ["category=vital-signs", 6],
    ["category=http://terminology.hl7.org/CodeSystem/observation-category|activity", 1],
    ["category=vital-signs&code=55423-8", 0],
    ["date=ge2026-03-03&date=lt2026-03-04", 2],
    ["date=gt2026-03-10", 0],
    ["date=2026-03-01T07:01:30Z", 1],
    ["status=final", 7],
    ["status=preliminary", 0],
    ["code=8867-4&value-quantity=gt98", 1],
    ["value-quantity=61.5", 1],
    ["value-quantity=ge70|http://unitsofmeasure.org|kg", 1],
    ["value-quantity=lt0", 0],
    ["code=8310-5", 0],
    ["code=no-such-code", 0],
    ["_lastUpdated=ge2020", 3],
    ["identifier=urn:x|1", 0],
  ])("is found by %s", async (query, count) => {
    expect(await all(query)).toHaveLength(count);
    expect(await all(`${query}&_count=1`)).toHaveLength(count);
  });

  test("comes with clinical records in the same order", async () => {
    const body = {
      resourceType: "Observation",
      status: "final",
      subject: { reference: `Patient/${patient}` },
      code: { coding: [{ system: "http://loinc.org", code: "8867-4" }] },
      effectiveDateTime: new Date(T0 + 4 * DAY).toISOString(),
      valueQuantity: { value: 55, unit: "/min", system: "http://unitsofmeasure.org", code: "/min" },
    };
    const mayNot = await ask("/Observation", {
      method: "POST",
      headers: { "content-type": "application/fhir+json" },
      body: JSON.stringify(body),
    });
    expect(mayNot.status).toBe(403);
  });

  test("is refused where a page is another search's, or an order would not be true", async () => {
    const { body } = await ask(`/Observation?patient=${patient}&_count=1`);
    const next = new URL(body.link.find(({ relation }: { relation: string }) => relation === "next").url);
    const page = next.searchParams.get("_page")!;
    for (const query of [
      `_count=1&code=8867-4&_page=${page}`,
      "_page=x",
      "_sort=_lastUpdated",
      "value-quantity=x",
    ]) {
      const told = await ask(`/Observation?patient=${patient}&${query}`);
      expect([query, told.status]).toEqual([query, 400]);
    }
  });

  test("has parts where a part is asked for", async () => {
    const [found] = await all("code=29463-7&_elements=value");
    expect(Object.keys(found).sort()).toEqual([
      "code",
      "id",
      "meta",
      "resourceType",
      "status",
      "valueQuantity",
    ]);
    expect((await ask(`/Observation/${found.id}?_summary=true`)).body.meta.tag).toMatchObject([
      { code: "SUBSETTED" },
    ]);
  });

  test("is not there for who does not know it", async () => {
    const [found] = await all("code=29463-7");
    const wrong = found.id.replace(/-\d+$/, "-77");
    expect((await ask(`/Observation/${wrong}`)).status).toBe(404);
    const stranger = await keyOf(server, await enrolCompany(server, "Stranger"));
    expect((await askFhir(server, stranger, `/Observation/${found.id}`)).status).toBe(403);
  });
});
