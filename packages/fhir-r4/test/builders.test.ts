import { describe, expect, test } from "vitest";
import {
  bundleRequests,
  type FhirResource,
  formatJson,
  formatOf,
  formatSearchSet,
  historyBundle,
  mapReferences,
  operationOutcome,
  parseJson,
  responseBundle,
  type SearchEntry,
  searchParameters,
  searchSet,
  validate,
} from "../src/index.ts";

const patient: FhirResource = { resourceType: "Patient", id: "p" };
const base = "https://fhir.example/R4";

/** What HL7's definitions object to. */
const objections = (resource: FhirResource) =>
  validate(resource).filter(({ severity }) => severity === "error" || severity === "fatal");

describe("an OperationOutcome", () => {
  test("has an issue for each finding, with its place and the server's reason", () => {
    const outcome = operationOutcome(
      [
        { severity: "error", code: "value", text: "wrong", expression: "Patient.birthDate" },
        { severity: "fatal", code: "structure", text: "no JSON", line: 3, column: 7 },
      ],
      { system: "urn:reasons", code: "INVALID" },
    );
    expect(objections(outcome)).toEqual([]);
    expect(outcome.issue).toMatchObject([
      {
        severity: "error",
        expression: ["Patient.birthDate"],
        details: { text: "wrong", coding: [{ code: "INVALID" }] },
      },
      { severity: "fatal", diagnostics: "Line 3, column 7" },
    ]);
  });

  test("says that all is well where nothing was found, since it has to have an issue", () => {
    const outcome = operationOutcome([]);
    expect(objections(outcome)).toEqual([]);
    expect(outcome.issue).toHaveLength(1);
  });
});

describe("the JSON of a page of a search", () => {
  const outcome = operationOutcome([]);
  test.each<[string, readonly SearchEntry[]]>([
    ["of nothing", []],
    [
      "with and without addresses",
      [
        { fullUrl: `${base}/Patient/"p"`, resource: patient, mode: "match" },
        { resource: outcome, mode: "outcome" },
      ],
    ],
  ])("%s is that of its Bundle", (_, entries) => {
    const links = { self: `${base}/Patient`, next: `${base}/Patient?_page="2"` };
    expect(formatSearchSet(links, entries)).toBe(formatJson(searchSet(links, entries)));
    const written = entries.map((one) => ({ ...one, text: formatJson(one.resource) }));
    expect(formatSearchSet(links, written)).toBe(formatSearchSet(links, entries));
  });

  test("does not look at a resource whose text it is given", () => {
    const entry: SearchEntry = {
      mode: "match",
      text: '{"resourceType":"Patient","active":true}',
      get resource(): never {
        throw new Error("it was looked at");
      },
    };
    expect(JSON.parse(formatSearchSet({ self: base }, [entry])).entry[0].resource.active).toBe(true);
  });
});

describe("a Bundle that is answered", () => {
  test.each([
    [
      "a page of a search",
      searchSet({ self: `${base}/Patient`, next: `${base}/Patient?_page=2` }, [
        { fullUrl: `${base}/Patient/p`, resource: patient, mode: "match" },
        { resource: operationOutcome([]), mode: "outcome" },
      ]),
    ],
    ["a search that found nothing", searchSet({ self: `${base}/Patient` }, [], 0)],
    [
      "the answer to a transaction",
      responseBundle("transaction-response", [
        {
          fullUrl: `${base}/Patient/p`,
          resource: patient,
          status: "201",
          location: "Patient/p",
          etag: 'W/"1"',
        },
        { status: "204" },
      ]),
    ],
    [
      "a history",
      historyBundle({ self: `${base}/Patient/p/_history` }, [
        {
          fullUrl: `${base}/Patient/p`,
          resource: patient,
          status: "200",
          etag: 'W/"2"',
          lastModified: "2026-03-01T00:00:00Z",
          request: { method: "PUT", url: "Patient/p" },
        },
      ]),
    ],
  ])("is valid: %s", (_what, resource) => {
    expect(objections(resource)).toEqual([]);
  });
});

describe("a Bundle that was sent", () => {
  test("is its requests, in its order, with their conditions", () => {
    const sent = parseJson(
      JSON.stringify({
        resourceType: "Bundle",
        type: "transaction",
        entry: [
          {
            fullUrl: "urn:uuid:1",
            resource: patient,
            request: { method: "POST", url: "Patient", ifNoneExist: "identifier=a|b" },
          },
          { request: { method: "DELETE", url: "Patient/q", ifMatch: 'W/"3"' } },
        ],
      }),
    );
    expect(bundleRequests(sent)).toMatchObject([
      { index: 0, fullUrl: "urn:uuid:1", method: "POST", url: "Patient", ifNoneExist: "identifier=a|b" },
      { index: 1, method: "DELETE", url: "Patient/q", ifMatch: 'W/"3"', resource: undefined },
    ]);
  });
});

test("references are rewritten at every depth, contained resources and extensions included, and nothing else", () => {
  const observation = parseJson(
    JSON.stringify({
      resourceType: "Observation",
      status: "final",
      code: { text: "Patient/p" },
      subject: { reference: "Patient/p", display: "Patient/p" },
      contained: [
        { resourceType: "Observation", status: "final", code: {}, subject: { reference: "Patient/p" } },
      ],
      extension: [{ url: "urn:x", valueReference: { reference: "Patient/p" } }],
    }),
  );
  const mapped = mapReferences(observation, (one) => one.replace("/p", "/q"));
  expect(mapped).toMatchObject({
    code: { text: "Patient/p" },
    subject: { reference: "Patient/q", display: "Patient/p" },
    contained: [{ subject: { reference: "Patient/q" } }],
    extension: [{ valueReference: { reference: "Patient/q" } }],
  });
  expect(observation.subject).toEqual({ reference: "Patient/p", display: "Patient/p" });
  expect(mapReferences(observation, () => undefined)).toBe(observation);
});

test("a type's search parameters are its own and those of every resource; a type that R4 does not have has none", () => {
  expect(searchParameters("Observation").get("value-quantity")).toMatchObject({ type: "quantity" });
  expect(searchParameters("Observation").has("_lastUpdated")).toBe(true);
  expect(searchParameters("Unicorn").size).toBe(0);
  expect(searchParameters("toString").size).toBe(0);
});

test.each([
  ["application/fhir+json; charset=utf-8", "json"],
  ["application/fhir xml", "xml"],
  ["XML", "xml"],
  ["text/turtle", undefined],
  ["constructor", undefined],
])("the format of %j is %s", (name, format) => {
  expect(formatOf(name)).toBe(format);
});
