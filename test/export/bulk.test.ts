/** FHIR's Bulk Data export over HTTP, as a research program uses it. */
import { createClient } from "@connectrpc/connect";
import { connectAsPatient } from "@wellapi/client";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson, operatorAt, type Person } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { LimitService } from "@wellapi/gen/wellapi/identity/v1/limit_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchDecided } from "../decided.ts";
import { keyOf } from "../surface/cases.ts";

interface Manifest {
  readonly transactionTime: string;
  readonly request: string;
  readonly requiresAccessToken: boolean;
  readonly output: readonly { readonly type: string; readonly url: string }[];
}

describe("a bulk export", () => {
  const folder = temporaryFolder();
  let server: Server;
  let hospital: Company;
  let registry: Company;
  let people: readonly Person[];
  let consents: readonly string[];
  let key = "";
  let hospitalKey = "";

  beforeAll(async () => {
    server = await startServer({ dataDir: folder.path, target: "one-process" });
    hospital = await enrolCompany(server, "Hospital");
    registry = await enrolCompany(server, "Registry");
    people = await Promise.all(["Ada", "Bert", "Cleo"].map((name) => enrolPerson(server, name)));
    for (const person of people)
      await grant(person, hospital, Direction.CONTRIBUTE, ["conditions", "medications", "heart"]);
    consents = await Promise.all(
      people.map((person) => grant(person, registry, Direction.READ, ["conditions", "heart"])),
    );
    const atHospital = await createClient(ConsentService, hospital.transport).listConsents({});
    await Promise.all(atHospital.consents.map(({ patient }, at) => contribute(patient, at)));
    key = await keyOf(server, registry);
    hospitalKey = await keyOf(server, hospital);
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  async function contribute(patient: string, at: number): Promise<void> {
    const clinical = createClient(ClinicalRecordsService, hospital.transport);
    const subject = { reference: `Patient/${patient.replace("_", "-")}` };
    const coding = (system: string, code: string) => ({ coding: [{ system, code }] });
    const resources = [
      { resourceType: "Condition", subject, code: coding("http://hl7.org/fhir/sid/icd-10-cm", "I10") },
      {
        resourceType: "MedicationStatement",
        status: "active",
        subject,
        medicationCodeableConcept: coding("http://www.nlm.nih.gov/research/umls/rxnorm", "860975"),
      },
    ];
    for (const one of resources)
      await clinical.putClinicalRecord({
        patient,
        write: { case: "create", value: { resource: JSON.stringify(one) } },
      });
    const startTime = { seconds: 1_770_000_000n, nanos: 0 };
    await createClient(IngestionService, hospital.transport).createSeries({
      batch: {
        requestId: "heart",
        patient,
        series: [
          {
            code: { code: "8867-4" },
            unit: "/min",
            times: {
              start: { case: "startTime", value: startTime },
              utcOffsetMinutes: 0,
              spacing: { case: "periodMs", value: 1_000 },
            },
            values: { case: "decimals", value: { mantissas: Array.from({ length: 10 }, () => 60 + at) } },
          },
        ],
      },
    });
  }

  const ask = (
    url: string,
    options: { method?: string; key?: string; headers?: Record<string, string>; body?: object } = {},
  ) =>
    fetchDecided(url.startsWith("http") ? url : `${server.http}/fhir/R4${url}`, {
      method: options.method ?? "GET",
      ...(options.body && { body: JSON.stringify(options.body) }),
      headers: { ...(options.key !== "" && { "x-api-key": options.key ?? key }), ...options.headers },
    });

  /** The address of a new export's status. */
  async function begin(query = ""): Promise<string> {
    const answer = await ask(`/Patient/$export${query}`, { headers: { prefer: "respond-async" } });
    expect(answer.status).toBe(202);
    return local(answer.headers.get("content-location")!);
  }

  /** Links name the installation's origin; the test reaches it by another name. */
  const local = (url: string) => server.http + new URL(url).pathname;

  async function manifestOf(status: string): Promise<Manifest> {
    const answer = await ask(status);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([
      200,
      expect.stringContaining("json"),
    ]);
    return (await answer.json()) as Manifest;
  }

  // biome-ignore lint/suspicious/noExplicitAny: resources of any type
  async function linesOf(url: string): Promise<any[]> {
    const answer = await ask(local(url));
    expect([answer.status, answer.headers.get("content-type")]).toEqual([
      200,
      expect.stringContaining("ndjson"),
    ]);
    const text = await answer.text();
    return text === ""
      ? []
      : text
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line));
  }

  test("gives what each patient permits, a type a file, with what devices sent in", async () => {
    const status = await begin("?_type=Condition,Observation,MedicationStatement");
    const { output, requiresAccessToken, request } = await manifestOf(status);
    expect([requiresAccessToken, request]).toEqual([
      true,
      expect.stringContaining("/fhir/R4/Patient/$export?_type="),
    ]);
    // No consent is for medications: that there are some does not show.
    expect(output.map(({ type }) => type).sort()).toEqual(["Condition", "Observation"]);
    const conditions = await linesOf(output.find(({ type }) => type === "Condition")!.url);
    expect(conditions).toHaveLength(3);
    const known = (await createClient(ConsentService, registry.transport).listConsents({})).consents;
    expect(new Set(conditions.map(({ subject }) => subject.reference))).toEqual(
      new Set(known.map(({ patient }) => `Patient/${patient.replace("_", "-")}`)),
    );
    const observations = await linesOf(output.find(({ type }) => type === "Observation")!.url);
    const data = observations.map(({ valueSampledData }) => valueSampledData.data.split(" "));
    expect(data.map((values) => [values.length, values[0]]).sort()).toEqual(
      [60, 61, 62].map((one) => [10, `${one}`]),
    );
  }, 60_000);

  test("of all types names those that the consents may cover, and of a group the same", async () => {
    const kicked = await ask("/Group/consented/$export", { headers: { prefer: "respond-async" } });
    const { output, request } = await manifestOf(local(kicked.headers.get("content-location")!));
    expect(request).toContain("/Group/consented/$export");
    const types = output.map(({ type }) => type);
    expect(types).toContain("Condition");
    expect(types).toContain("Observation");
    expect(types).not.toContain("MedicationStatement");
    expect((await ask("/Group/others/$export", { headers: { prefer: "respond-async" } })).status).toBe(404);
  });

  test("since then gives what has changed since then", async () => {
    const { output } = await manifestOf(await begin(`?_type=Condition&_since=${new Date().toISOString()}`));
    expect(await linesOf(output[0]!.url)).toEqual([]);
    const before = await manifestOf(await begin("?_type=Condition&_since=2026-01-01T00:00:00Z"));
    expect(await linesOf(before.output[0]!.url)).toHaveLength(3);
  });

  /** Begins one by a body of Parameters. */
  const post = (parameter: readonly object[], path = "/Patient/$export") =>
    ask(path, {
      method: "POST",
      headers: { prefer: "respond-async", "content-type": "application/fhir+json" },
      body: { resourceType: "Parameters", parameter },
    });

  test("begins by a body of Parameters, too, which may name a type at a time", async () => {
    const terms = [
      { name: "_type", valueString: "Condition" },
      { name: "_type", valueCode: "Observation" },
      { name: "_since", valueInstant: "2026-01-01T00:00:00Z" },
      { name: "_outputFormat", valueString: "application/fhir+ndjson" },
    ];
    for (const path of ["/Patient/$export", "/Group/consented/$export"]) {
      const kicked = await post(terms, path);
      expect(kicked.status).toBe(202);
      const { output, request } = await manifestOf(local(kicked.headers.get("content-location")!));
      expect(output.map(({ type }) => type).sort()).toEqual(["Condition", "Observation"]);
      expect(new URL(request).searchParams.get("_since")).toBe("2026-01-01T00:00:00.000Z");
    }
    expect((await post([], "/Group/others/$export")).status).toBe(404);
  });

  test("of some elements leaves out the others, marks what is left, and says what was asked for", async () => {
    const format = "_outputFormat=application/fhir+ndjson";
    const status = await begin(`?_type=Condition,Observation&_elements=Condition.subject,id&${format}`);
    const { output, request } = await manifestOf(status);
    expect(new URL(request).searchParams.get("_elements")?.split(",").sort()).toEqual([
      "Condition.subject",
      "id",
    ]);
    const of = (type: string) => linesOf(output.find((one) => one.type === type)!.url);
    const [condition] = await of("Condition");
    expect(Object.keys(condition).sort()).toEqual(["id", "meta", "resourceType", "subject"]);
    expect(condition.meta.tag).toContainEqual(expect.objectContaining({ code: "SUBSETTED" }));
    // Elements without which an Observation is none stay.
    const [observation] = await of("Observation");
    expect(Object.keys(observation).sort()).toEqual(["code", "id", "meta", "resourceType", "status"]);
    // An element of one type says nothing of another one.
    const whole = await manifestOf(await begin("?_type=Observation&_elements=Condition.subject"));
    expect((await linesOf(whole.output[0]!.url))[0]).toHaveProperty("valueSampledData");
  });

  test("of filters gives of their types what any of them finds, once, and of the others all", async () => {
    const filters = (...all: string[]) =>
      all.map((one) => `&_typeFilter=${encodeURIComponent(one)}`).join("");
    const countsOf = async (query: string) => {
      const { output, request } = await manifestOf(await begin(query));
      const counts = output.map(async ({ type, url }) => [type, (await linesOf(url)).length] as const);
      return { ...Object.fromEntries(await Promise.all(counts)), request };
    };
    const both = "?_type=Condition,Observation";
    const i10 = "Condition?code=http://hl7.org/fhir/sid/icd-10-cm|I10";
    const either = await countsOf(`${both}${filters(i10, "Condition?code=I10,E11", "Condition?code=E11")}`);
    expect(either).toMatchObject({ Condition: 3, Observation: 3 });
    expect(new URL(either.request).searchParams.getAll("_typeFilter").sort()).toEqual(
      [i10, "Condition?code=I10,E11", "Condition?code=E11"].sort(),
    );
    expect(await countsOf(`${both}${filters("Condition?code=E11")}`)).toMatchObject({
      Condition: 0,
      Observation: 3,
    });
    // What no consent is for is not found by a filter either, and has no file.
    expect(
      await countsOf(`${filters("MedicationStatement?status=active").replace("&", "?")}`),
    ).not.toHaveProperty("MedicationStatement");
    // What devices sent is found as a search finds it: samples by their values, of three people 60, 61 and 62.
    for (const [filter, found] of [
      ["Observation?value-quantity=gt61", 1],
      ["Observation?code=8867-4&value-quantity=gt61,lt61", 2],
      ["Observation?status=preliminary", 0],
      ["Observation?date=ge2030&date=lt2020", 0],
    ] as const)
      expect(await countsOf(`?_type=Observation${filters(filter)}`)).toMatchObject({ Observation: found });
    // Parted by a comma, too; 62 is found by both.
    const joined = encodeURIComponent("Observation?value-quantity=gt60,Observation?value-quantity=gt61");
    expect(await countsOf(`?_type=Observation&_typeFilter=${joined}`)).toMatchObject({ Observation: 2 });
    const since = `_since=${new Date().toISOString()}`;
    expect(await countsOf(`${both}&${since}${filters(i10, "Observation?code=8867-4")}`)).toMatchObject({
      Condition: 0,
      Observation: 3,
    });
  });

  test("says of what it does not have what to do instead, whichever way it is asked", async () => {
    const headers = { prefer: "respond-async, handling=strict" };
    const told = await Promise.all([
      ask("/Patient/$export?_typeFilter=Condition%3Fcode:not%3DI10", { headers }),
      post([{ name: "_typeFilter", valueString: "Condition?patient=pat-1" }]),
      post([{ name: "_typeFilter", valueString: "Condition?onset-date=yesterday" }]),
      post([
        { name: "_type", valueCode: "Observation" },
        { name: "_typeFilter", valueString: "Condition?code=I10" },
      ]),
      post([
        { name: "_deIdentified", valueBoolean: true },
        { name: "_typeFilter", valueString: "Condition?code=I10" },
      ]),
      post([{ name: "patient", valueReference: { reference: "Patient/1" } }]),
      post([{ name: "_type", valueQuantity: { value: 1 } }]),
      post([{ name: "_since" }]),
      post([1, 2].map(() => ({ name: "_since", valueInstant: "2026-01-01T00:00:00Z" }))),
      post([{ name: "_elements", valueString: "Patient.name.family" }]),
      ask("/Patient/$export", {
        method: "POST",
        headers: { ...headers, "content-type": "application/fhir+json" },
        body: { resourceType: "Patient" },
      }),
    ]);
    // biome-ignore lint/suspicious/noExplicitAny: an OperationOutcome
    const outcomes = await Promise.all(told.map((one) => one.json() as any));
    const issues = outcomes.map(({ issue: [{ code, expression }] }) => [code, expression?.[0]]);
    expect(told.map(({ status }, at) => [status, ...issues[at]!])).toEqual([
      [400, "invalid", "_typeFilter"],
      [400, "invalid", "_typeFilter"],
      [400, "invalid", "_typeFilter"],
      [400, "invalid", "_typeFilter"],
      [400, "invalid", "_typeFilter"],
      [400, "not-supported", "patient"],
      [400, "invalid", "_type"],
      [422, "invariant", "Parameters.parameter[0]"],
      [400, "invalid", "_since"],
      [400, "invalid", "_elements"],
      [400, "invalid", undefined],
    ]);
  });

  test("is refused with what to mend", async () => {
    const headers = { prefer: "respond-async" };
    const told = await Promise.all([
      ask("/Patient/$export"),
      ask("/Patient/$export?_type=Unicorn", { headers }),
      ask("/Patient/$export?_outputFormat=text/csv", { headers }),
      ask("/Patient/$export?_since=2026", { headers }),
      ask("/Patient/$export?_typeFilter=Condition", { headers }),
      ask("/Patient/$export", { headers, key: "" }),
      ask("/$export-status/patient/exp_nothing"),
    ]);
    expect(told.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 401, 404]);
    // biome-ignore lint/suspicious/noExplicitAny: an OperationOutcome
    const outcomes = await Promise.all(told.map((one) => one.json() as any));
    expect(outcomes.every(({ resourceType }) => resourceType === "OperationOutcome")).toBe(true);
  });

  test("is the organization's alone, needs the credential for each file, and is gone once it is cancelled", async () => {
    const status = await begin("?_type=Condition");
    const { output } = await manifestOf(status);
    const file = local(output[0]!.url);
    expect((await ask(status, { key: hospitalKey })).status).toBe(404);
    expect((await ask(file, { key: hospitalKey })).status).toBe(404);
    expect((await ask(file, { key: "" })).status).toBe(401);
    expect((await ask(status, { method: "DELETE", key: hospitalKey })).status).toBe(404);
    expect((await ask(status, { method: "DELETE" })).status).toBe(202);
    expect([(await ask(status)).status, (await ask(file)).status]).toEqual([404, 404]);
  });

  test("tells a caller whose budget is spent when to ask for the manifest again", async () => {
    const slow = await enrolCompany(server, "Slow");
    // Ten units in a window of ten seconds. An export takes one, its status two: to find the export, and to list its patients.
    const limits = { organization: slow.organization, organizationRate: 1 };
    await createClient(LimitService, operatorAt(server)).updateLimits({ limits });
    const slowKey = await keyOf(server, slow);
    const kicked = await ask("/Patient/$export", { key: slowKey, headers: { prefer: "respond-async" } });
    const status = local(kicked.headers.get("content-location")!);
    const told: Response[] = [];
    const waiting = () => told.filter((one) => one.status === 202);
    await expect
      .poll(
        async () => {
          told.push(await ask(status, { key: slowKey }));
          return waiting().length;
        },
        { interval: 10, timeout: 15_000 },
      )
      // The tenth unit finds it, and the list is refused; from then on it is not even found.
      .toBe(2);
    expect(new Set(told.map((one) => one.status))).toEqual(new Set([200, 202]));
    for (const { headers } of waiting()) {
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
      expect(headers.get("x-progress")).toContain("budget");
    }
  });

  test("leaves an entry with each patient whose data left", async () => {
    const { accesses } = await createClient(AuditService, people[0]!.transport).listAccesses({
      pageSize: 1_000,
    });
    const reads = accesses.filter(({ access }) => access?.method.endsWith("/ListClinicalRecords") === true);
    expect(reads.length).toBeGreaterThan(0);
  });

  test("goes on after the server was killed, and leaves out who revoked or was erased meanwhile", async () => {
    const status = await begin("?_type=Condition");
    const { output } = await manifestOf(status);
    const { operatorKey = "" } = server;
    await server.kill();
    server = await startServer({ dataDir: folder.path, target: "one-process" });
    const again = (url: string) => server.http + new URL(url).pathname;
    const file = again(output[0]!.url);
    const count = async () => (await (await ask(file)).text()).split("\n").length - 1;
    expect(await count()).toBe(3);
    const options = { url: server.http, operatorKey };
    const ada = await connectAsPatient({ ...options, patient: people[0]!.id });
    await createClient(ConsentService, ada).revokeConsent({ consent: consents[0]! });
    expect(await count()).toBe(2);
    const bert = await connectAsPatient({ ...options, patient: people[1]!.id });
    await createClient(RecordsService, bert).erasePatient({ patient: people[1]!.id });
    expect(await count()).toBe(1);
    expect((await ask(again(status))).status).toBe(200);
  }, 120_000);
});
