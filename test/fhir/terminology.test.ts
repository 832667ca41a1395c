import { createClient } from "@connectrpc/connect";
import { type Company, enrolCompany, operatorAt } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { parseResource } from "@wellapi/fhir-r4";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { CodeReleaseService } from "@wellapi/gen/wellapi/codes/v1/code_release_service_pb";
import { CodeRelease_Kind, CodeRelease_State } from "@wellapi/gen/wellapi/codes/v1/codes_pb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchDecided } from "../decided.ts";
import { keyOf } from "../surface/cases.ts";

interface Told {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a resource of any type
  readonly body: any;
}

const loinc = "http://loinc.org";
const ucum = "http://unitsofmeasure.org";

describe("FHIR's terminology operations", () => {
  const folder = temporaryFolder();
  let server: Server;
  let clinic: Company;
  let key = "";

  beforeAll(async () => {
    server = await startServer({ dataDir: folder.path, target: "one-process" });
    clinic = await enrolCompany(server, "Clinic");
    key = await keyOf(server, clinic);
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  /** Asks, and holds that the answer is a valid resource of FHIR. */
  async function ask(path: string, parameter?: readonly object[], headers: object = {}): Promise<Told> {
    const answer = await fetchDecided(`${server.http}/fhir/R4/${path}`, {
      method: parameter === undefined ? "GET" : "POST",
      headers: {
        "x-api-key": key,
        ...(parameter !== undefined && { "content-type": "application/fhir+json" }),
        ...headers,
      },
      ...(parameter !== undefined && { body: JSON.stringify({ resourceType: "Parameters", parameter }) }),
    });
    const text = await answer.text();
    parseResource(text);
    return { status: answer.status, body: JSON.parse(text) };
  }

  /** Parameters by name; `match` and `property` as their parts. */
  function named({ body }: Told): Record<string, unknown> {
    const value = (one: Record<string, unknown>): unknown =>
      Object.entries(one).find(([name]) => name.startsWith("value"))?.[1] ??
      Object.fromEntries((one.part as Record<string, unknown>[]).map((part) => [part.name, value(part)]));
    return Object.fromEntries(body.parameter.map((one: Record<string, unknown>) => [one.name, value(one)]));
  }

  const query = (parameters: Record<string, string>) => new URLSearchParams(parameters).toString();

  test("look a code up: what it is called, in what unit, of which category", async () => {
    const told = await ask(`CodeSystem/$lookup?${query({ system: loinc, code: "8867-4" })}`);
    expect(named(told)).toMatchObject({ name: "LOINC", display: "Heart rate" });
    const parts = told.body.parameter.filter(({ name }: { name: string }) => name === "property");
    expect(parts.map(({ part }: Told["body"]) => [part[0].valueCode, part[1].valueString])).toEqual([
      ["kind", "quantity"],
      ["unit", "/min"],
      ["category", "heart"],
    ]);
    const coding = { name: "coding", valueCoding: { system: ucum, code: "mm[Hg]" } };
    expect(named(await ask("CodeSystem/$lookup", [coding]))).toMatchObject({ display: "mm[Hg]" });
  });

  test.each<[string, Record<string, string>, boolean, string]>([
    ["CodeSystem", { url: loinc, code: "8867-4" }, true, ""],
    ["CodeSystem", { url: loinc, code: "8867-4", display: "heart  rate" }, true, ""],
    ["CodeSystem", { url: loinc, code: "8867-4", display: "Body weight" }, false, "not its own"],
    ["CodeSystem", { url: loinc, code: "4544-3" }, false, "Only a part"],
    ["CodeSystem", { url: ucum, code: "[pH]" }, true, ""],
    ["CodeSystem", { url: ucum, code: "beats" }, false, "no such code"],
    [
      "CodeSystem",
      { url: "http://hl7.org/fhir/observation-status", code: "finished" },
      false,
      "no such code",
    ],
    ["ValueSet", { url: "http://hl7.org/fhir/ValueSet/observation-status", code: "final" }, true, ""],
    [
      "ValueSet",
      { url: "http://hl7.org/fhir/ValueSet/observation-status|4.0.1", code: "done" },
      false,
      "does not have",
    ],
    ["ValueSet", { url: "http://hl7.org/fhir/ValueSet/ucum-units", system: ucum, code: "kg/m2" }, true, ""],
    [
      "ValueSet",
      { url: "https://wellapi.dev/fhir/ValueSet/category-heart", system: loinc, code: "8867-4" },
      true,
      "",
    ],
    [
      "ValueSet",
      { url: "https://wellapi.dev/fhir/ValueSet/category-heart", system: loinc, code: "29463-7" },
      false,
      "does not have",
    ],
    [
      "ValueSet",
      { url: "https://wellapi.dev/fhir/ValueSet/category-activity|1", code: "workout" },
      false,
      "does not have",
    ],
    ["ValueSet", { url: "https://wellapi.dev/fhir/ValueSet/category-activity", code: "workout" }, true, ""],
    // By a rule for records, in a range: F32.1 is within F30 to F39.
    [
      "ValueSet",
      {
        url: "https://wellapi.dev/fhir/ValueSet/category-mental-health",
        system: "http://hl7.org/fhir/sid/icd-10-cm",
        code: "F32.1",
      },
      true,
      "",
    ],
    [
      "ValueSet",
      {
        url: "https://wellapi.dev/fhir/ValueSet/category-mental-health",
        system: "http://hl7.org/fhir/sid/icd-10-cm",
        code: "J45.20",
      },
      false,
      "does not have",
    ],
  ])("judge a code: %s %j is %s", async (type, parameters, result, message) => {
    const told = named(await ask(`${type}/$validate-code?${query(parameters)}`));
    expect([told.result, told.message ?? ""]).toEqual([result, expect.stringContaining(message)]);
  });

  test("take a concept of several codings for right where one of them is", async () => {
    const codeableConcept = {
      name: "codeableConcept",
      valueCodeableConcept: {
        coding: [
          { system: "http://example.org/own", code: "HR" },
          { system: loinc, code: "8867-4" },
        ],
      },
    };
    const url = { name: "url", valueUri: "https://wellapi.dev/fhir/ValueSet/category-heart" };
    expect(named(await ask("ValueSet/$validate-code", [url, codeableConcept])).result).toBe(true);
  });

  test("list a value set in pages that hold all of it once", async () => {
    const url = "https://wellapi.dev/fhir/ValueSet/codes";
    const whole = await ask(`ValueSet/$expand?${query({ url, count: "1000" })}`);
    const { total, contains } = whole.body.expansion;
    expect(contains).toHaveLength(total);
    const pages: unknown[] = [];
    for (let offset = 0; offset < total; offset += 7) {
      const page = await ask(`ValueSet/$expand?${query({ url, offset: String(offset), count: "7" })}`);
      pages.push(...page.body.expansion.contains);
    }
    expect(pages).toEqual(contains);
    const found = await ask(`ValueSet/$expand?${query({ url, filter: "PRESS" })}`);
    expect(found.body.expansion.contains.map(({ code }: { code: string }) => code)).toContain("85354-9");
    const none = await ask(`ValueSet/$expand?${query({ url, count: "0" })}`);
    expect(none.body.expansion).toMatchObject({ total });
    expect(none.body.expansion.contains).toBeUndefined();
  });

  test("translate a vendor's name, back again, and say what has no match", async () => {
    const system = "https://wellapi.dev/fhir/CodeSystem/vendor-withings";
    const there = await ask(`ConceptMap/$translate?${query({ system, code: "measure/1" })}`);
    expect(named(there)).toMatchObject({
      result: true,
      match: {
        equivalence: "relatedto",
        concept: { system: loinc, code: "29463-7", display: "Body weight" },
      },
    });
    const back = {
      url: "https://wellapi.dev/fhir/ConceptMap/vendor-withings",
      system: loinc,
      reverse: "true",
    };
    const names = await ask(`ConceptMap/$translate?${query({ ...back, code: "29463-7" })}`);
    expect(named(names)).toMatchObject({ match: { concept: { system, code: "measure/1" } } });
    const without = named(await ask(`ConceptMap/$translate?${query({ system, code: "measure/91" })}`));
    expect([without.result, without.message]).toEqual([false, "pulse wave velocity: no code here"]);
    expect(named(await ask(`ConceptMap/$translate?${query({ system, code: "x" })}`)).result).toBe(false);
  });

  test.each<[string, number, string, string]>([
    ["CodeSystem/$validate-code?code=1", 400, "SYSTEM_REQUIRED", "invalid"],
    ["CodeSystem/$lookup?system=http://snomed.info/sct&code=1", 404, "UNKNOWN_CODE_SYSTEM", "not-found"],
    [`CodeSystem/$lookup?system=${loinc}&code=1`, 404, "UNKNOWN_CODE", "code-invalid"],
    [`CodeSystem/$lookup?system=${loinc}&code=1&colour=red`, 400, "INVALID_REQUEST", "invalid"],
    [`CodeSystem/$lookup?system=${loinc}`, 400, "INVALID_REQUEST", "invalid"],
    ["ValueSet/$expand", 400, "INVALID_REQUEST", "invalid"],
    ["ValueSet/$expand?url=http://example.org/none", 404, "UNKNOWN_VALUE_SET", "not-found"],
    [
      "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/ucum-units",
      422,
      "EXPANSION_TOO_COSTLY",
      "too-costly",
    ],
    [
      "ValueSet/$expand?url=https://wellapi.dev/fhir/ValueSet/codes&count=-1",
      400,
      "INVALID_REQUEST",
      "invalid",
    ],
    [
      "ConceptMap/$translate?url=http://example.org/none&system=x&code=y",
      404,
      "UNKNOWN_CONCEPT_MAP",
      "not-found",
    ],
    ["ValueSet/$closure", 404, "NOT_SUPPORTED", "not-supported"],
  ])("say what is wrong: %s", async (path, status, reason, issue) => {
    const told = await ask(path);
    const [first] = told.body.issue;
    expect([told.status, first.details.coding[0].code, first.code]).toEqual([status, reason, issue]);
  });

  test("are for callers with a credential, since licensed releases are not for everybody", async () => {
    const told = await ask(`CodeSystem/$lookup?${query({ system: loinc, code: "8867-4" })}`, undefined, {
      "x-api-key": "",
    });
    expect(told.status).toBe(401);
  });

  test("answer from a release once it is whole and active, and no more once it is deleted", async () => {
    const releases = createClient(CodeReleaseService, operatorAt(server));
    const release = {
      kind: CodeRelease_Kind.CODE_SYSTEM,
      url: "http://snomed.info/sct",
      version: "2026-09",
      title: "A test",
    };
    const codes = ["Asthma", "Hypertension", "Heart failure"].map((display, i) => ({
      code: String(100 + i),
      display,
    }));
    const begun = (await releases.createCodeRelease({ release })).release!;
    await releases.addConcepts({ release: begun.id, offset: 0n, concepts: codes.slice(0, 2) });
    const lookup = () => ask(`CodeSystem/$lookup?${query({ system: release.url, code: "101" })}`);
    expect((await lookup()).status).toBe(404);
    // As after a cut: begun again, it says where it stopped, and what was sent twice counts once.
    const again = (await releases.createCodeRelease({ release })).release!;
    expect([again.id, again.concepts]).toEqual([begun.id, 2n]);
    const added = await releases.addConcepts({ release: begun.id, offset: 1n, concepts: codes.slice(1) });
    expect(added.release!.concepts).toBe(3n);
    await expect(releases.activateCodeRelease({ release: begun.id, concepts: 4n })).rejects.toThrow(
      "another number",
    );
    await releases.activateCodeRelease({ release: begun.id, concepts: 3n });
    expect(named(await lookup())).toMatchObject({
      name: "A test",
      version: "2026-09",
      display: "Hypertension",
    });
    const all = await ask(`ValueSet/$expand?${query({ url: `${release.url}?fhir_vs`, filter: "h" })}`);
    expect(all.body.expansion.contains.map(({ code }: { code: string }) => code)).toEqual(["102", "101"]);
    await expect(releases.createCodeRelease({ release })).rejects.toThrow("loaded whole");
    await releases.deleteCodeRelease({ release: begun.id });
    expect((await lookup()).status).toBe(404);
    expect((await releases.listCodeReleases({})).releases).toEqual([]);
    const fresh = (await releases.createCodeRelease({ release })).release!;
    expect([fresh.state, fresh.concepts]).toEqual([CodeRelease_State.LOADING, 0n]);
    await releases.deleteCodeRelease({ release: fresh.id });
  });

  test("know of a code what the exchange does, also where a loaded release names it", async () => {
    const releases = createClient(CodeReleaseService, operatorAt(server));
    const release = { kind: CodeRelease_Kind.CODE_SYSTEM, url: loinc, version: "9.9" };
    const { id } = (await releases.createCodeRelease({ release })).release!;
    await releases.addConcepts({
      release: id,
      concepts: [{ code: "8867-4", display: "Heart rate, loaded" }],
    });
    await releases.activateCodeRelease({ release: id, concepts: 1n });
    const told = await ask(`CodeSystem/$lookup?${query({ system: loinc, code: "8867-4" })}`);
    expect(named(told)).toMatchObject({ version: "9.9", display: "Heart rate, loaded" });
    expect(JSON.stringify(told.body)).toContain('"valueString":"/min"');
    // It is the whole of LOINC now: what it does not have there is not.
    const judged = await ask(`CodeSystem/$validate-code?${query({ url: loinc, code: "29463-7" })}`);
    expect(named(judged).message).toContain("no such code");
    await releases.deleteCodeRelease({ release: id });
  });

  test("$validate a resource: by R4, by a profile, and by the code systems that are known, without storing it", async () => {
    const heart = {
      resourceType: "Observation",
      text: { status: "generated", div: '<div xmlns="http://www.w3.org/1999/xhtml">A heart rate</div>' },
      status: "final",
      code: { coding: [{ system: loinc, code: "8867-4", display: "Heart rate" }] },
      valueQuantity: { value: 70, unit: "/min", system: ucum, code: "/min" },
    };
    const post = async (path: string, body: object) => {
      const answer = await fetchDecided(`${server.http}/fhir/R4/Observation/$validate${path}`, {
        method: "POST",
        headers: { "x-api-key": key, "content-type": "application/fhir+json" },
        body: JSON.stringify(body),
      });
      const { issue } = (await answer.json()) as { issue: Record<string, unknown>[] };
      return [
        answer.status,
        ...issue.map((one) => `${one.severity} ${one.code} ${(one.expression as string[])?.[0] ?? ""}`),
      ];
    };
    expect(await post("", heart)).toEqual([200, "information informational "]);
    expect(await post("", { ...heart, status: "done" })).toEqual([
      200,
      "error code-invalid Observation.status",
    ]);
    const wrongUnit = { ...heart, valueQuantity: { ...heart.valueQuantity, code: "beats" } };
    expect(await post("", wrongUnit)).toEqual([200, "error code-invalid Observation.value"]);
    const misnamed = {
      ...heart,
      code: { coding: [{ system: loinc, code: "8867-4", display: "Body weight" }] },
    };
    expect(await post("", misnamed)).toEqual([200, "warning code-invalid Observation.code.coding[0]"]);
    const profile = "http://hl7.org/fhir/StructureDefinition/heartrate";
    const needs = [
      200,
      ...["category", "category", "effective", "subject"].map(() => "error required Observation"),
    ];
    expect(await post(`?profile=${profile}`, heart)).toEqual(needs);
    const parameter = [
      { name: "resource", resource: heart },
      { name: "profile", valueUri: profile },
    ];
    expect(await post("", { resourceType: "Parameters", parameter })).toEqual(needs);
    expect(await post("?profile=http://example.org/own", heart)).toEqual([404, "error not-supported "]);
    const claiming = { ...heart, meta: { profile: ["http://example.org/own", `${profile}|3.0.2`] } };
    expect(await post("", claiming)).toEqual([
      200,
      "information informational Observation.meta.profile[0]",
      "information informational Observation.meta.profile[1]",
    ]);
  });

  test("leave an entry in the log for each change of a release, and none for its concepts", async () => {
    const releases = createClient(CodeReleaseService, operatorAt(server));
    const release = { kind: CodeRelease_Kind.CODE_SYSTEM, url: "http://example.org/logged", version: "1" };
    const { id } = (await releases.createCodeRelease({ release })).release!;
    await releases.addConcepts({ release: id, concepts: [{ code: "a" }] });
    await releases.activateCodeRelease({ release: id, concepts: 1n });
    await releases.deleteCodeRelease({ release: id });
    const audit = createClient(AuditService, operatorAt(server));
    await expect
      .poll(
        async () => {
          const { accesses } = await audit.listAccesses({ pageSize: 100 });
          const own = accesses
            .map(({ access }) => access!.method)
            .filter((one) => one.includes("CodeReleaseService"));
          return own.slice(0, 3).map((one) => one.split("/")[1]);
        },
        { timeout: 30_000 },
      )
      .toEqual(["DeleteCodeRelease", "ActivateCodeRelease", "CreateCodeRelease"]);
  });

  test("take releases from operators alone", async () => {
    const releases = createClient(CodeReleaseService, clinic.transport);
    await expect(releases.listCodeReleases({})).rejects.toMatchObject({ code: 7 });
  });
});
