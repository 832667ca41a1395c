import { createClient } from "@connectrpc/connect";
import { issuePatientToken } from "@wellapi/client";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson, operatorAt, type Person } from "@wellapi/demo/people";
import { Mask, Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CaptureMethod, Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { Client } from "fhir-kit-client";
import { beforeAll, describe, expect, test } from "vitest";
import { fetchDecided } from "../decided.ts";
import { sharedExchange } from "../shared-exchange.ts";
import { keyOf } from "../surface/cases.ts";
import { bandSeries, contribute, single } from "./fhir-scene.ts";

interface Told {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a resource of any type
  readonly body: any;
}

describe("a FHIR client", () => {
  const server = sharedExchange();
  let clinic: Company;
  let insurer: Company;
  let person: Person;
  let clinicKey = "";
  let insurerKey = "";
  /** FHIR's id of the patient, at the clinic and at the insurer. */
  let atClinic = "";
  let atInsurer = "";

  beforeAll(async () => {
    clinic = await enrolCompany(server, "Clinic");
    insurer = await enrolCompany(server, "Insurer");
    person = await enrolPerson(server, "Person");
    const all = ["conditions", "medications", "demographics", "care", "heart"];
    await grant(person, clinic, Direction.CONTRIBUTE, all);
    await grant(person, clinic, Direction.READ, all);
    await grant(person, insurer, Direction.READ, ["conditions"]);
    [atClinic, atInsurer] = (await Promise.all([clinic, insurer].map(patientAt))) as [string, string];
    clinicKey = await keyOf(server, clinic);
    insurerKey = await keyOf(server, insurer);
  });

  async function patientAt({ transport }: Company): Promise<string> {
    const { consents } = await createClient(ConsentService, transport).listConsents({});
    return consents[0]!.patient.replace("_", "-");
  }

  async function ask(
    method: string,
    path: string,
    options: { key?: string; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Told> {
    const { key = clinicKey, body, headers = {} } = options;
    const answer = await fetchDecided(`${server.http}/fhir/R4${path}`, {
      method,
      headers: {
        ...(key !== "" && { "x-api-key": key }),
        ...(body !== undefined && { "content-type": "application/fhir+json" }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const json = answer.headers.get("content-type")?.includes("json") === true && text !== "";
    return { status: answer.status, headers: answer.headers, body: json ? JSON.parse(text) : text };
  }

  function condition(code: string, more: object = {}) {
    return {
      resourceType: "Condition",
      subject: { reference: `Patient/${atClinic}` },
      code: { coding: [{ system: "http://hl7.org/fhir/sid/icd-10-cm", code }] },
      clinicalStatus: {
        coding: [{ system: "http://terminology.hl7.org/CodeSystem/condition-clinical", code: "active" }],
      },
      onsetDateTime: "2026-03-01",
      ...more,
    };
  }

  test("creates, reads, updates with the etag, reads a version and the history, and deletes", async () => {
    const created = await ask("POST", "/Condition", { body: condition("I10") });
    expect(created.status).toBe(201);
    const { id } = created.body;
    expect(created.headers.get("location")).toContain(`/fhir/R4/Condition/${id}/_history/1`);
    const read = await ask("GET", `/Condition/${id}`);
    expect(read.body).toEqual(created.body);
    expect(read.headers.get("etag")).toBe('W/"1"');
    const changed = { ...condition("I10", { onsetDateTime: "2026-03-02" }), id };
    const stale = await ask("PUT", `/Condition/${id}`, { body: changed, headers: { "if-match": 'W/"7"' } });
    expect([stale.status, stale.body.issue[0].details.coding[0].code]).toEqual([412, "ETAG_MISMATCH"]);
    const updated = await ask("PUT", `/Condition/${id}`, { body: changed, headers: { "if-match": 'W/"1"' } });
    expect([updated.status, updated.body.meta.versionId]).toEqual([200, "2"]);
    expect((await ask("GET", `/Condition/${id}/_history/1`)).body.onsetDateTime).toBe("2026-03-01");
    const history = await ask("GET", `/Condition/${id}/_history`);
    expect(history.body.entry.map((one: Told["body"]) => one.request.method)).toEqual(["PUT", "POST"]);
    expect((await ask("DELETE", `/Condition/${id}`)).status).toBe(204);
    const gone = await ask("GET", `/Condition/${id}`);
    expect([gone.status, gone.body.issue[0].code]).toEqual([410, "deleted"]);
  });

  test("searches by code, date and status, in pages that a real client follows", async () => {
    for (const day of ["01", "02", "03"]) {
      await ask("POST", "/Condition", { body: condition("E11.9", { onsetDateTime: `2026-05-${day}` }) });
    }
    const client = new Client({
      baseUrl: `${server.http}/fhir/R4`,
      customHeaders: { "x-api-key": clinicKey },
    });
    const searchParams = {
      patient: `Patient/${atClinic}`,
      code: "http://hl7.org/fhir/sid/icd-10-cm|E11.9",
      _count: "2",
    };
    const first = (await client.search({ resourceType: "Condition", searchParams })) as Told["body"];
    expect(first.entry).toHaveLength(2);
    const second = (await client.nextPage({ bundle: first })) as Told["body"];
    expect(second.entry).toHaveLength(1);
    const from = await ask(
      "GET",
      `/Condition?patient=${atClinic}&code=E11.9&onset-date=ge2026-05-02&onset-date=lt2026-05-03`,
    );
    expect(from.body.entry.map((one: Told["body"]) => one.resource.onsetDateTime)).toEqual(["2026-05-02"]);
    const none = await ask("GET", `/Condition?patient=${atClinic}&code=E11.9&clinical-status=resolved`);
    expect(none.body.entry).toBeUndefined();
  });

  test("finds what a device has streamed in, in pages that a real client follows", async () => {
    const maker = await enrolCompany(server, "Maker");
    await grant(person, maker, Direction.CONTRIBUTE, ["heart"]);
    const minute = 60_000;
    const start = Date.UTC(2026, 6, 1, 7);
    const day = 86_400_000;
    await contribute(maker, (await patientAt(maker)).replace("-", "_"), {
      series: [
        bandSeries("8867-4", "/min", start, ["60", "61.50", "62"]),
        bandSeries("8867-4", "/min", start + day, ["70.0", "71.0", "72.0"], 5 * minute),
      ],
      observations: [single("8867-4", "/min", start + 2 * day, "98.60")],
    });
    const client = new Client({
      baseUrl: `${server.http}/fhir/R4`,
      customHeaders: { "x-api-key": clinicKey },
    });
    const searchParams = {
      patient: `Patient/${atClinic}`,
      code: "http://loinc.org|8867-4",
      date: "ge2026-07-01",
      _count: "1",
    };
    let bundle = (await client.search({ resourceType: "Observation", searchParams })) as Told["body"];
    const found: Told["body"][] = [];
    while (bundle?.entry !== undefined) {
      expect(bundle.entry).toHaveLength(1);
      found.push(bundle.entry[0].resource);
      bundle = await client.nextPage({ bundle });
    }
    expect(found.map((one) => one.valueSampledData?.data ?? one.valueQuantity.value)).toEqual([
      98.6,
      "70.0 71.0 72.0",
      "60.00 61.50 62.00",
    ]);
    const read = await client.read({ resourceType: "Observation", id: found[1].id });
    expect(read).toEqual(found[1]);
    expect(found[1]).toMatchObject({
      subject: { reference: `Patient/${atClinic}` },
      effectivePeriod: { start: "2026-07-02T08:00:00+01:00" },
      valueSampledData: { period: 300_000 },
    });
  });

  test("gives another organization its own ids, and only what its consent covers", async () => {
    await ask("POST", "/MedicationStatement", {
      body: {
        resourceType: "MedicationStatement",
        status: "active",
        subject: { reference: `Patient/${atClinic}` },
        medicationCodeableConcept: {
          coding: [{ system: "http://www.nlm.nih.gov/research/umls/rxnorm", code: "860975" }],
        },
      },
    });
    const mine = await ask("GET", `/Condition?patient=${atClinic}`);
    const theirs = await ask("GET", `/Condition?patient=${atInsurer}`, { key: insurerKey });
    expect(theirs.body.entry).toHaveLength(mine.body.entry.length);
    expect(JSON.stringify(theirs.body)).not.toContain(atClinic.slice(4));
    const medications = await ask("GET", `/MedicationStatement?patient=${atInsurer}`, { key: insurerKey });
    // As if there were none: that there are some is the patient's, too.
    expect([medications.status, medications.body.entry]).toEqual([200, undefined]);
    const id = mine.body.entry[0].resource.id;
    expect((await ask("GET", `/Condition/${id}`, { key: insurerKey })).status).toBeGreaterThanOrEqual(403);
  });

  test("sends and gets XML, with the digits of each number", async () => {
    const body = `<Observation xmlns="http://hl7.org/fhir"><status value="final"/><code><coding><system value="http://loinc.org"/><code value="8867-4"/></coding></code><subject><reference value="Patient/${atClinic}"/></subject><effectiveDateTime value="2026-03-01T08:00:00Z"/><valueQuantity><value value="72.50"/><unit value="beats/min"/><system value="http://unitsofmeasure.org"/><code value="/min"/></valueQuantity></Observation>`;
    const headers = { "content-type": "application/fhir+xml", accept: "application/fhir+xml" };
    const created = await ask("POST", "/Observation", { body, headers });
    expect([created.status, created.body]).toEqual([201, expect.stringContaining('<value value="72.50"/>')]);
    const id = /<id value="([^"]+)"/.exec(created.body)![1];
    const read = await ask("GET", `/Observation/${id}?_format=json`);
    expect(
      await (
        await fetchDecided(`${server.http}/fhir/R4/Observation/${id}`, {
          headers: { "x-api-key": clinicKey },
        })
      ).text(),
    ).toContain("72.50");
    expect(read.body.resourceType).toBe("Observation");
  });

  test("stores a transaction whole, with references between its entries, or nothing of it", async () => {
    const entry = (resource: object, fullUrl: string) => ({
      fullUrl,
      resource,
      request: { method: "POST", url: (resource as { resourceType: string }).resourceType },
    });
    const encounter = {
      resourceType: "Encounter",
      status: "finished",
      class: { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "AMB" },
      subject: { reference: `Patient/${atClinic}` },
    };
    const visit = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0";
    const problem = condition("J45.20", { encounter: { reference: visit } });
    const transaction = {
      resourceType: "Bundle",
      type: "transaction",
      entry: [entry(encounter, visit), entry(problem, "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e1")],
    };
    const stored = await ask("POST", "", { body: transaction });
    expect(stored.body.entry.map((one: Told["body"]) => one.response.status)).toEqual(["201", "201"]);
    const [atEncounter, atCondition] = stored.body.entry.map((one: Told["body"]) =>
      one.response.location.replace(/\/_history.*/, ""),
    );
    expect((await ask("GET", `/${atCondition}`)).body.encounter.reference).toBe(atEncounter);
    const wrong = {
      ...transaction,
      entry: [entry(encounter, visit), entry({ ...problem, onsetDateTime: "2026-02-30" }, "urn:uuid:1")],
    };
    const before = (await ask("GET", `/Encounter?patient=${atClinic}`)).body.entry.length;
    const refused = await ask("POST", "", { body: wrong });
    expect(refused.status).toBe(422);
    expect(refused.body.issue[0].expression[0]).toContain("entry[1]");
    expect((await ask("GET", `/Encounter?patient=${atClinic}`)).body.entry).toHaveLength(before);
  });

  test("is told all that is wrong with a resource, by kind and place, and in a batch of each entry", async () => {
    const wrong = condition("I10", { onsetDateTime: "2026-02-30", recordedDate: 7, colour: "red" });
    const told = await ask("POST", "/Condition", { body: wrong });
    const issues = (outcome: Told["body"]) =>
      outcome.issue.map(({ code, expression: [place] }: Told["body"]) => `${code} ${place}`).sort();
    const faults = ["structure Condition", "value Condition.onset", "value Condition.recordedDate"];
    expect([told.status, issues(told.body)]).toEqual([422, faults]);
    const entry = [wrong, condition("I10")].map((resource) => ({
      resource,
      request: { method: "POST", url: "Condition" },
    }));
    const batch = await ask("POST", "", { body: { resourceType: "Bundle", type: "batch", entry } });
    const [first, second] = batch.body.entry.map(({ response }: Told["body"]) => response);
    expect([first.status, issues(first.outcome), second.status]).toEqual(["422", faults, "201"]);
    const transaction = await ask("POST", "", {
      body: { resourceType: "Bundle", type: "transaction", entry },
    });
    expect(issues(transaction.body)).toContain("value Bundle.entry[0].resource.onset");
    const envelope = { resourceType: "Bundle", type: "batch", entry: [{ ...entry[1], colour: "red" }] };
    expect((await ask("POST", "", { body: envelope })).status).toBe(422);
  });

  test("is told in an OperationOutcome what is wrong, where, and how to mend it", async () => {
    const cases: readonly [string, string, Parameters<typeof ask>[2], number, string][] = [
      ["GET", "/Condition", {}, 400, "TOO_COSTLY"],
      ["GET", `/Condition?patient=${atClinic}&colour=red`, {}, 400, "INVALID_REQUEST"],
      ["GET", `/Condition?patient=${atClinic}&onset-date=2026-02-30`, {}, 400, "INVALID_REQUEST"],
      ["GET", "/Condition/nothing", {}, 404, "NOT_FOUND"],
      ["GET", "/Unicorn", {}, 404, "NOT_SUPPORTED"],
      ["GET", "/Condition/a/b/c", {}, 404, "NOT_SUPPORTED"],
      ["GET", "/$unicorn/a/b/c/d", { key: "" }, 404, "NOT_SUPPORTED"],
      ["GET", `/Condition?patient=${atClinic}`, { key: "" }, 401, "CREDENTIAL_REQUIRED"],
      [
        "GET",
        `/Condition?patient=${atClinic}`,
        { headers: { accept: "text/turtle" } },
        406,
        "NOT_ACCEPTABLE",
      ],
      [
        "GET",
        `/Condition?patient=${atClinic}`,
        { headers: { "x-purpose-of-use": "FUN" } },
        400,
        "INVALID_REQUEST",
      ],
      [
        "POST",
        "/Condition",
        { body: condition("I10", { onsetDateTime: "2026-02-30" }) },
        422,
        "INVALID_RESOURCE",
      ],
      ["POST", "/Condition", { body: '{"resourceType":"Condition","a":1,"a":2}' }, 400, "INVALID_REQUEST"],
      ["POST", "/Condition", { body: { resourceType: "Patient" } }, 400, "INVALID_REQUEST"],
      ["GET", "", {}, 404, "NOT_SUPPORTED"],
      [
        "POST",
        "/Condition",
        { body: condition("I10", { subject: { display: "somebody" } }) },
        422,
        "INVALID_RESOURCE",
      ],
      [
        "POST",
        "/Condition",
        { body: "x", headers: { "content-type": "text/plain" } },
        415,
        "UNSUPPORTED_MEDIA_TYPE",
      ],
    ];
    for (const [method, path, options, status, reason] of cases) {
      const told = await ask(method, path, options);
      expect([
        path,
        told.status,
        told.body.resourceType,
        told.body.issue?.[0].details.coding[0].code,
      ]).toEqual([path, status, "OperationOutcome", reason]);
    }
  });

  test("creates once, however often it sends what has an identifier with If-None-Exist", async () => {
    const body = condition("M54.5", { identifier: [{ system: "urn:clinic", value: "77" }] });
    const headers = { "if-none-exist": "identifier=urn:clinic|77" };
    const answers = await Promise.all([1, 2, 3].map(() => ask("POST", "/Condition", { body, headers })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    const found = await ask("GET", `/Condition?patient=${atClinic}&identifier=urn:clinic|77`);
    expect(found.body.entry).toHaveLength(1);
  });

  test("files a consent for the patient alone: what is told of one is granted again, exactly or not at all", async () => {
    const consents = createClient(ConsentService, person.transport);
    const { consent: given } = await consents.createConsent({
      requestId: "told",
      consent: {
        grantee: clinic.organization,
        provisions: [
          {
            effect: Provision_Effect.PERMIT,
            directions: [Direction.READ],
            categories: [{ name: "sleep" }],
            purposes: [Purpose.TREATMENT],
            resolution: Resolution.RAW,
            window: { case: "capturedInLast", value: { seconds: 3_600n } },
            sources: { organizations: [clinic.organization], methods: [CaptureMethod.SENSED] },
            masks: [Mask.NOTES],
          },
        ],
        notice: { uri: "https://clinic.example/notice", language: "en", sha256: "ab".repeat(32) },
      },
    });
    const token = await issuePatientToken(operatorAt(server), person.id);
    const headers = { authorization: `Bearer ${token}` };
    const mine = { key: "", headers };
    const once = { key: "", headers: { ...headers, "idempotency-key": "filed" } };
    const told = await ask("GET", `/Consent/${given!.id.replace("_", "-")}`, mine);
    const filed = await ask("POST", "/Consent", { ...once, body: told.body });
    expect([filed.status, filed.body.provision]).toEqual([201, told.body.provision]);
    expect(filed.headers.get("location")).toContain(`/fhir/R4/Consent/${filed.body.id}`);
    const again = await ask("POST", "/Consent", { ...once, body: told.body });
    expect(again.body.id).toBe(filed.body.id);
    const { consent: stored } = await consents.getConsent({ consent: filed.body.id.replace("-", "_") });
    expect(stored!.id).not.toBe(given!.id);
    for (const name of ["grantee", "provisions", "validity", "notice"] as const) {
      expect(stored![name]).toEqual(given![name]);
    }
    const provision = (change: object) => {
      const { provision: root, ...rest } = told.body;
      return { ...rest, provision: { ...root, provision: [{ ...root.provision[0], ...change }] } };
    };
    const count = (await consents.listConsents({ pageSize: 100 })).consents.length;
    const extension = [{ url: "https://x.example/only-on-mondays", valueBoolean: true }];
    const other = { ...told.body, patient: { reference: `Patient/${atClinic}` } };
    const cases: [body: object, by: object, status: number, expression: string | undefined][] = [
      [told.body, { key: clinicKey }, 403, undefined],
      [other, mine, 422, "Consent.patient"],
      [provision({ purpose: undefined }), mine, 422, "Consent.provision.provision[0].purpose"],
      [provision({ extension }), mine, 422, "Consent.provision.provision[0].extension[0]"],
      [{ ...told.body, status: "inactive" }, mine, 422, "Consent.status"],
      [told.body, { ...mine, headers: { ...headers, "if-none-exist": "identifier=a|b" } }, 400, undefined],
    ];
    for (const [body, by, status, expression] of cases) {
      const refused = await ask("POST", "/Consent", { ...by, body });
      const [issue] = refused.body.issue;
      expect([refused.status, refused.body.resourceType, issue.expression?.[0]]).toEqual([
        status,
        "OperationOutcome",
        expression,
      ]);
    }
    expect((await consents.listConsents({ pageSize: 100 })).consents).toHaveLength(count);
  });

  test("reads nothing any more once the patient has revoked", async () => {
    const consents = createClient(ConsentService, person.transport);
    const { consents: all } = await consents.listConsents({});
    const given = all.find(({ grantee }) => grantee === insurer.organization)!;
    const token = await issuePatientToken(operatorAt(server), person.id);
    const patient = { key: "", headers: { authorization: `Bearer ${token}` } };
    const consent = `Consent/${given.id.replace("_", "-")}`;
    const own = `Patient/${person.id.replace("_", "-")}`;
    const revoke = (by: object, named: Readonly<Record<string, string>>) => {
      const parameter = Object.entries(named).map(([name, reference]) => ({
        name,
        valueReference: { reference },
      }));
      const body = { resourceType: "Parameters", parameter };
      return ask("POST", "/Consent/$revokeConsent", { ...by, body });
    };
    // Neither who has it, nor in the name of another, nor with what would not be kept, nor a consent that there is not.
    const refused = await Promise.all([
      revoke({ key: insurerKey }, { consent, patient: `Patient/${atInsurer}` }),
      revoke(patient, { consent, patient: `Patient/${atInsurer}` }),
      revoke(patient, { consent, patient: own, document: "DocumentReference/1" }),
      revoke(patient, { consent: `Consent/con-${"0".repeat(26)}`, patient: own }),
    ]);
    expect(refused.map(({ status }) => status)).toEqual([403, 404, 400, 404]);
    const reading = await ask("GET", `/Condition?patient=${atInsurer}`, { key: insurerKey });
    expect(reading.status).toBe(200);
    const { body: disclosed } = await ask("GET", `/AuditEvent?consent=${consent}`, patient);
    expect(disclosed.entry.length).toBeGreaterThan(0);
    for (const { resource } of disclosed.entry) {
      expect(JSON.stringify(resource.entity)).toContain(`"${consent}"`);
    }
    const revoked = await revoke(patient, { consent, patient: own });
    expect([revoked.status, revoked.body.resourceType]).toEqual([200, "OperationOutcome"]);
    const told = await ask("GET", `/Condition?patient=${atInsurer}`, { key: insurerKey });
    expect([told.status, told.body.resourceType]).toEqual([403, "OperationOutcome"]);
    expect((await ask("GET", `/${consent}`, patient)).body.status).toBe("inactive");
  });

  test("finds in metadata what there is, and each search parameter that is listed is taken", async () => {
    const { body } = await ask("GET", "/metadata", { key: "" });
    expect(body.fhirVersion).toBe("4.0.1");
    const types: Told["body"][] = body.rest[0].resource;
    for (const name of [
      "Patient",
      "Condition",
      "Observation",
      "AllergyIntolerance",
      "Immunization",
      "Provenance",
    ])
      expect(types.map(({ type }) => type)).toContain(name);
    const values: Record<string, string> = { date: "2026", token: "x", reference: `Patient/${atClinic}` };
    const asked = types
      .filter(({ type }) => ["Condition", "MedicationStatement", "Encounter"].includes(type))
      .flatMap(({ type, searchParam }) =>
        searchParam
          .filter(({ name }: { name: string }) => name !== "_id")
          .map(
            ({ name, type: kind }: { name: string; type: string }) =>
              `/${type}?patient=${atClinic}&${name}=${values[kind]}`,
          ),
      );
    const statuses = await Promise.all(asked.map(async (path) => [path, (await ask("GET", path)).status]));
    expect(statuses.filter(([, status]) => status !== 200)).toEqual([]);
  });
});
