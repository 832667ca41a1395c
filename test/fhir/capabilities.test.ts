import { type Company, enrolCompany } from "@wellapi/demo/people";
import { parseResource } from "@wellapi/fhir-r4";
import { beforeAll, describe, expect, test } from "vitest";
import { sharedExchange } from "../shared-exchange.ts";
import { keyOf } from "../surface/cases.ts";
import { askFhir, patientOf, type Told } from "./fhir-scene.ts";

interface Listed {
  readonly type: string;
  readonly interaction?: readonly { readonly code: string }[];
  readonly searchParam?: readonly { readonly name: string; readonly type: string }[];
  readonly searchInclude?: readonly string[];
  readonly searchRevInclude?: readonly string[];
  readonly operation?: readonly { readonly name: string }[];
  readonly supportedProfile?: readonly string[];
}

const nothing = "0".repeat(26);

describe("the CapabilityStatement", () => {
  const server = sharedExchange();
  let clinic: Company;
  let key = "";
  let patient = "";
  let formats: readonly string[] = [];
  let resources: readonly Listed[] = [];
  let operations: readonly { readonly name: string }[] = [];

  beforeAll(async () => {
    clinic = await enrolCompany(server, "Clinic");
    const maker = await enrolCompany(server, "Maker");
    const categories = ["heart", "conditions"];
    const { atClinic } = await patientOf(server, { maker, clinic, known: new Set() }, { categories });
    patient = atClinic;
    key = await keyOf(server, clinic);
    const { body, text } = await askFhir(server, "", "/metadata");
    parseResource(text);
    formats = body.format;
    resources = body.rest[0].resource;
    operations = body.rest[0].operation;
  });

  const ask = (path: string, init: RequestInit = {}) => askFhir(server, key, path, init);

  async function inTurn<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
    const results: R[] = [];
    for (let at = 0; at < items.length; at += 8)
      results.push(...(await Promise.all(items.slice(at, at + 8).map(run))));
    return results;
  }

  const reasonOf = ({ body }: Told) => body.issue?.[0]?.details?.coding?.[0]?.code;

  test("lists search parameters that are all taken", async () => {
    const values: Readonly<Record<string, string>> = {
      date: "2026",
      token: "urn:x|y",
      reference: `Patient/${patient}`,
      quantity: "gt1",
      uri: "urn:x",
      string: "x",
    };
    const asked = resources
      .filter(({ interaction = [] }) => interaction.some(({ code }) => code === "search-type"))
      .map(({ type, searchParam = [], searchInclude = [], searchRevInclude = [] }) => {
        const parameters = searchParam.map(({ name, type: kind }) => {
          const ids: Readonly<Record<string, string>> = {
            _id: `${patient.slice(4)}.rec-${nothing}`,
            consent: `Consent/con-${nothing}`,
          };
          const value = (type === "AuditEvent" || name === "_id" ? ids[name] : undefined) ?? values[kind];
          return `${name}=${type === "Consent" && name === "status" ? "active" : value}`;
        });
        const included = [
          ...searchInclude.map((one) => `_include=${one}`),
          ...searchRevInclude.map((one) => `_revinclude=${one}`),
        ];
        return `/${type}?${[...parameters, ...included].join("&")}`;
      });
    expect(asked.length).toBeGreaterThan(50);
    const told = await inTurn(asked, async (path) => [path, (await ask(path)).status] as const);
    expect(told.filter(([, status]) => status !== 200)).toEqual([]);
  }, 240_000);

  test("lists interactions that are all there", async () => {
    const json = { "content-type": "application/fhir+json" };
    const calls: Readonly<Record<string, (type: string, id: string) => Promise<Told>>> = {
      read: (type, id) => ask(`/${type}/${id}`),
      vread: (type, id) => ask(`/${type}/${id}/_history/1`),
      "history-instance": (type, id) => ask(`/${type}/${id}/_history`),
      update: (type, id) => {
        const body = JSON.stringify({ resourceType: type, id, subject: { reference: `Patient/${patient}` } });
        return ask(`/${type}/${id}`, { method: "PUT", headers: json, body });
      },
      delete: (type, id) => ask(`/${type}/${id}`, { method: "DELETE" }),
      create: (type) =>
        ask(`/${type}`, { method: "POST", headers: json, body: JSON.stringify({ resourceType: type }) }),
      "search-type": (type) =>
        ask(`/${type}/_search`, {
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: `patient=${patient}`,
        }),
    };
    const listed = resources.flatMap(({ type, interaction = [] }) =>
      interaction.map(({ code }) => ({ type, code })),
    );
    expect(new Set(listed.map(({ code }) => code))).toEqual(new Set(Object.keys(calls)));
    const told = await inTurn(listed, async ({ type, code }) => {
      const answer = await calls[code]!(type, `${patient.slice(4)}.rec-${nothing}`);
      return { type, code, status: answer.status, reason: reasonOf(answer) };
    });
    const expected: Readonly<Record<string, readonly unknown[]>> = { "search-type": [200] };
    const wrong = told.filter(
      ({ code, status, reason }) =>
        reason === "NOT_SUPPORTED" || !(expected[code] ?? [400, 403, 404, 422, 204, 200]).includes(status),
    );
    expect(wrong).toEqual([]);
  }, 240_000);

  test("lists operations that are all there", async () => {
    const listed = resources.flatMap(({ type, operation = [] }) =>
      operation.map(({ name }) => ({ type, name })),
    );
    expect(listed.length).toBeGreaterThan(5);
    const told = await inTurn(listed, async ({ type, name }) => {
      const at =
        name === "everything" ? `/Patient/${patient}` : type === "Group" ? "/Group/consented" : `/${type}`;
      const query = type === "Observation" ? `?patient=${patient}&code=8867-4` : "";
      const answer = await ask(`${at}/$${name}${query}`, {
        headers: name === "export" ? { prefer: "respond-async" } : {},
      });
      return { type, name, status: answer.status, reason: reasonOf(answer) };
    });
    expect(
      told.filter(({ status, reason }) => reason === "NOT_SUPPORTED" || status >= 500 || status === 405),
    ).toEqual([]);
    for (const { name } of operations) {
      const headers = { "content-type": "application/fhir+ndjson" };
      const { status, text } = await ask(`/$${name}`, { method: "POST", headers, body: "{}\n" });
      expect([name, status, text]).toEqual([name, 200, expect.stringContaining("line-1")]);
    }
  }, 120_000);

  test("lists profiles that are all judged, each in its version", async () => {
    const listed = resources.flatMap(({ type, supportedProfile = [] }) =>
      supportedProfile.map((profile) => ({ type, profile })),
    );
    expect(listed).toContainEqual({
      type: "Observation",
      profile: "http://hl7.org/fhir/us/core/StructureDefinition/us-core-heart-rate|8.0.1",
    });
    const headers = { "content-type": "application/fhir+json" };
    const judge = (type: string, profile: string) =>
      ask(`/${type}/$validate?profile=${encodeURIComponent(profile)}`, {
        method: "POST",
        headers,
        body: JSON.stringify({ resourceType: type }),
      });
    const told = await inTurn(listed, async ({ type, profile }) => {
      const { status, body } = await judge(type, profile);
      return [profile, status, body.resourceType];
    });
    expect(told.filter(([, status, kind]) => status !== 200 || kind !== "OperationOutcome")).toEqual([]);
    const unlisted = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-heart-rate|0.0.1";
    expect(reasonOf(await judge("Observation", unlisted))).toBe("NOT_SUPPORTED");
  }, 60_000);

  test("lists formats that are all given, by address and by header", async () => {
    const xml = (format: string) => format.includes("xml");
    for (const format of formats) {
      const named = await ask(`/Condition?patient=${patient}&_format=${encodeURIComponent(format)}`);
      expect([format, named.status, xml(named.headers.get("content-type")!)]).toEqual([
        format,
        200,
        xml(format),
      ]);
    }
    for (const accept of formats.filter((one) => one.includes("/"))) {
      const told = await ask(`/Condition?patient=${patient}`, { headers: { accept } });
      expect([accept, told.status, told.headers.get("content-type")]).toEqual([
        accept,
        200,
        expect.stringContaining(accept),
      ]);
    }
  });

  test("does not list a type that is not served", async () => {
    for (const type of ["Unicorn", "Task", "Subscription"]) {
      expect(resources.map((one) => one.type)).not.toContain(type);
      expect(reasonOf(await ask(`/${type}?patient=${patient}`))).toBe("NOT_SUPPORTED");
    }
  });
});
