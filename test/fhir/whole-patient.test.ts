import { type Company, enrolCompany } from "@wellapi/demo/people";
import { parseResource } from "@wellapi/fhir-r4";
import { beforeAll, describe, expect, test } from "vitest";
import { sharedExchange } from "../shared-exchange.ts";
import { keyOf } from "../surface/cases.ts";
import { askFhir, bandSeries, contribute, patientOf, single, type Told } from "./fhir-scene.ts";

const T0 = Date.UTC(2026, 2, 1, 7);
const DAY = 86_400_000;

describe("all of a patient, as FHIR", () => {
  const server = sharedExchange();
  let maker: Company;
  let clinicKey = "";
  let strangerKey = "";
  let patient = "";

  beforeAll(async () => {
    const clinic = await enrolCompany(server, "Clinic");
    maker = await enrolCompany(server, "Maker");
    const categories = ["heart", "body", "conditions", "demographics"];
    const { atMaker, atClinic } = await patientOf(
      server,
      { maker, clinic, known: new Set() },
      { categories },
    );
    patient = atClinic;
    clinicKey = await keyOf(server, clinic);
    strangerKey = await keyOf(server, await enrolCompany(server, "Stranger"));
    await contribute(maker, atMaker, {
      series: [
        bandSeries("8867-4", "/min", T0, ["60", "61", "62"]),
        bandSeries("8867-4", "/min", T0 + DAY, ["70"]),
      ],
      observations: [single("29463-7", "kg", T0 + 2 * DAY, "70.5"), single("8867-4", "/min", T0 + DAY, "66")],
    });
    const makerKey = await keyOf(server, maker);
    const condition = {
      resourceType: "Condition",
      subject: { reference: `Patient/${atMaker.replace("_", "-")}` },
      code: { coding: [{ system: "http://hl7.org/fhir/sid/icd-10-cm", code: "I10" }] },
      onsetDateTime: "2026-03-02",
    };
    const told = await askFhir(server, makerKey, "/Condition", {
      method: "POST",
      headers: { "content-type": "application/fhir+json" },
      body: JSON.stringify(condition),
    });
    expect(told.status).toBe(201);
  });

  const ask = (path: string) => askFhir(server, clinicKey, path);

  async function all(first: string): Promise<Told["body"][]> {
    const entries: Told["body"][] = [];
    const inXml = await askFhir(server, clinicKey, first, { headers: { accept: "application/fhir+xml" } });
    parseResource(inXml.text, "xml");
    let next: string | undefined = first;
    while (next !== undefined) {
      const { status, text, body } = await ask(next);
      expect([status, body.resourceType]).toEqual([200, "Bundle"]);
      parseResource(text);
      entries.push(...(body.entry ?? []));
      next = body.link.find(({ relation }: { relation: string }) => relation === "next")?.url;
    }
    return entries.map(({ resource }) => resource);
  }

  const typesOf = (resources: Told["body"][]) => resources.map(({ resourceType }) => resourceType);

  test("comes by $everything in pages of any size: the patient first, devices last", async () => {
    const whole = await all(`/Patient/${patient}/$everything`);
    expect(typesOf(whole).toSorted()).toEqual(
      [
        "Patient",
        "Condition",
        "Observation",
        "Observation",
        "Observation",
        "Observation",
        "Device",
        "Device",
      ].sort(),
    );
    expect([typesOf(whole)[0], ...typesOf(whole).slice(-2)]).toEqual(["Patient", "Device", "Device"]);
    for (const count of [1, 3])
      expect(await all(`/Patient/${patient}/$everything?_count=${count}`)).toEqual(whole);
    for (const { resourceType, id } of whole) expect((await ask(`/${resourceType}/${id}`)).status).toBe(200);
    const device = whole.find(
      ({ resourceType, deviceName }) => resourceType === "Device" && deviceName[0].name === "Band",
    );
    const measured = whole.filter((one) => one.device?.reference === `Device/${device.id}`);
    expect(measured).toHaveLength(2);
    expect(JSON.stringify(whole)).not.toContain("serial-1");
  });

  test.each<[string, string[]]>([
    ["_type=Condition", ["Condition"]],
    ["_type=Patient", ["Patient"]],
    ["_type=Device,Condition", ["Condition", "Device", "Device"]],
    ["_type=Observation&start=2026-03-02&end=2026-03-02", ["Observation", "Observation"]],
    ["_type=Condition,Observation&_since=2100-01-01", ["Observation", "Observation"]],
  ])("comes by $everything?%s", async (query, expected) => {
    expect(typesOf(await all(`/Patient/${patient}/$everything?${query}`)).sort()).toEqual(expected.sort());
  });

  test("is refused to who has no consent, and where the question is wrong", async () => {
    expect((await askFhir(server, strangerKey, `/Patient/${patient}/$everything`)).status).toBe(403);
    expect((await askFhir(server, strangerKey, `/Patient/${patient}`)).status).toBe(403);
    for (const query of [
      "_type=Unicorn",
      "start=x",
      "colour=red",
      "start=2026-03-02&end=2026-03-01",
      "_page=x",
    ]) {
      expect([query, (await ask(`/Patient/${patient}/$everything?${query}`)).status]).toEqual([query, 400]);
    }
  });

  test("has the newest of each code by $lastn", async () => {
    const newest = await ask(`/Observation/$lastn?patient=${patient}&code=8867-4,29463-7`);
    expect(newest.body.entry.map(({ resource }: Told["body"]) => resource.valueQuantity.value)).toEqual([
      expect.toBeOneOf([70, 66]),
      70.5,
    ]);
    const three = await ask(`/Observation/$lastn?patient=${patient}&category=vital-signs&max=3`);
    expect(three.body.entry).toHaveLength(4);
    expect((await ask(`/Observation/$lastn?patient=${patient}`)).status).toBe(400);
    expect((await ask(`/Observation/$lastn?patient=${patient}&code=8867-4&max=0`)).status).toBe(400);
  });

  test("has devices, the organization, the consent and the entries of the log, by id and by search", async () => {
    const devices = await all(`/Device?patient=${patient}`);
    expect(devices.map(({ deviceName }) => deviceName[0].name).sort()).toEqual(["Band", "Scale"]);
    const [observation] = await all(`/Observation?patient=${patient}&code=29463-7`);
    const organization = new URL(observation.meta.source).pathname.replace("/fhir/R4", "");
    expect((await ask(organization)).body).toMatchObject({ resourceType: "Organization", name: "Maker" });
    expect(typesOf(await all(`/Organization?_id=${organization.split("/").at(-1)}`))).toEqual([
      "Organization",
    ]);
    const [consent] = await all(`/Consent?patient=${patient}&status=active`);
    expect(consent).toMatchObject({
      patient: { reference: `Patient/${patient}` },
      provision: {
        type: "deny",
        provision: [{ type: "permit", action: [{ coding: [{ code: "access" }] }] }],
      },
    });
    expect((await ask(`/Consent/${consent.id}`)).body).toEqual(consent);
    expect(await all(`/Consent?status=inactive`)).toEqual([]);
    const { text, body } = await ask(`/AuditEvent?patient=${patient}&_count=20`);
    parseResource(text);
    const events: Told["body"][] = body.entry.map(({ resource }: Told["body"]) => resource);
    const event = events.find(({ action }) => action === "R");
    expect(event).toMatchObject({
      outcome: "0",
      action: "R",
      purposeOfEvent: [{ coding: [{ code: "TREAT" }] }],
    });
    expect((await ask(`/AuditEvent/${event.id}`)).body).toEqual(event);
    expect((await ask("/AuditEvent?date=lt2020")).body.entry).toBeUndefined();
  });

  test("comes with what a search asks to include, once, as far as it may be seen", async () => {
    const path = `/Observation?patient=${patient}&code=8867-4&_include=Observation:device&_include=Observation:subject`;
    const { body } = await ask(path);
    const included = body.entry.filter(({ search }: Told["body"]) => search.mode === "include");
    expect(included.map(({ resource }: Told["body"]) => resource.resourceType).sort()).toEqual([
      "Device",
      "Device",
      "Patient",
    ]);
    const matched = body.entry.filter(({ search }: Told["body"]) => search.mode === "match");
    for (const { resource } of matched) {
      const urls = included.map(({ fullUrl }: Told["body"]) => fullUrl.split("/R4/")[1]);
      expect(urls).toContain(resource.device.reference);
    }
  });

  test("has a bare Patient where no organization has said more", async () => {
    expect((await ask(`/Patient/${patient}`)).body).toEqual({ resourceType: "Patient", id: patient });
    expect(await all(`/Patient?_id=${patient}`)).toEqual([{ resourceType: "Patient", id: patient }]);
  });

  test("is written neither as an organization's consent nor as an entry of the log", async () => {
    for (const [type, status] of [
      ["Consent", 403],
      ["AuditEvent", 404],
    ] as const) {
      const init = {
        method: "POST",
        headers: { "content-type": "application/fhir+json" },
        body: JSON.stringify({ resourceType: type }),
      };
      expect((await askFhir(server, clinicKey, `/${type}`, init)).status).toBe(status);
    }
  });
});
