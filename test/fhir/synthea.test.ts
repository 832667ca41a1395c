/** A whole record of Synthea, the generator that most test systems load, through one transaction and back. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson } from "@wellapi/demo/people";
import { type FhirResource, formatJson, isObject, mapReferences, parseJson } from "@wellapi/fhir-r4";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { shippedTerminology } from "@wellapi/terminology";
import { beforeAll, describe, expect, test } from "vitest";
import { fetchDecided } from "../decided.ts";
import { sharedExchange } from "../shared-exchange.ts";
import { keyOf } from "../surface/cases.ts";

interface Entry {
  readonly fullUrl: string;
  readonly resource: FhirResource;
}

const text = gunzipSync(readFileSync(new URL("../data/synthea/patient.json.gz", import.meta.url))).toString(
  "utf8",
);

describe("a patient of Synthea", { timeout: 120_000 }, () => {
  const server = sharedExchange();
  let clinic: Company;
  let key = "";
  let patient = "";

  beforeAll(async () => {
    clinic = await enrolCompany(server, "Clinic");
    key = await keyOf(server, clinic);
    patient = await newPatient("Person");
  });

  /** Who permits everything; by the id that the clinic has for them. */
  async function newPatient(name: string): Promise<string> {
    const known = await patientsOf();
    const person = await enrolPerson(server, name);
    for (const direction of [Direction.CONTRIBUTE, Direction.READ])
      await grant(person, clinic, direction, [...shippedTerminology.categories]);
    return (await patientsOf()).find((one) => !known.includes(one))!;
  }

  async function patientsOf(): Promise<string[]> {
    const { consents } = await createClient(ConsentService, clinic.transport).listConsents({});
    return consents.map((one) => one.patient.replace("_", "-"));
  }

  /** As a client sends it: the patient is named by the id that they have here. */
  function about(patientHere: string): string {
    const own = JSON.parse(text).entry.find((one: Entry) => one.resource.resourceType === "Patient").fullUrl;
    return text
      .replaceAll(`"reference":"${own}"`, `"reference":"Patient/${patientHere}"`)
      .replace(`"id":"${own.slice("urn:uuid:".length)}"`, `"id":"${patientHere}"`);
  }

  async function ask(path: string, body?: string): Promise<{ status: number; resource: FhirResource }> {
    const answer = await fetchDecided(`${server.http}/fhir/R4${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { "x-api-key": key, ...(body !== undefined && { "content-type": "application/fhir+json" }) },
      ...(body !== undefined && { body }),
    });
    return { status: answer.status, resource: parseJson(await answer.text()) };
  }

  /** Without what the exchange itself says: the id, and the version and time of `meta`. */
  function content({ id: _id, meta, ...rest }: FhirResource): FhirResource {
    const { versionId: _version, lastUpdated: _updated, ...kept } = isObject(meta) ? meta : {};
    return { ...rest, ...(Object.keys(kept).length > 0 && { meta: kept }) } as FhirResource;
  }

  test("is stored whole by one transaction, and comes back equal but for ids, references and meta", async () => {
    const named = about(patient);
    const stored = await ask("", named);
    expect(stored.status).toBe(200);
    const answers = stored.resource.entry as unknown as { response: { status: string; location: string } }[];
    expect([...new Set(answers.map(({ response }) => response.status))]).toEqual(["201"]);

    const entries = parseJson(named).entry as unknown as Entry[];
    const places = new Map(
      entries.map(({ fullUrl }, at) => [
        fullUrl,
        answers[at]!.response.location.replace(/\/_history\/.*/, ""),
      ]),
    );
    const types = new Set(entries.map(({ resource }) => resource.resourceType));
    for (const type of ["Encounter", "Practitioner", "Claim", "ExplanationOfBenefit", "Provenance"])
      expect([...types]).toContain(type);
    for (const { fullUrl, resource } of entries) {
      const read = await ask(`/${places.get(fullUrl)}`);
      const expected = mapReferences(content(resource), (one) => places.get(one) ?? one);
      expect(formatJson(content(read.resource))).toBe(formatJson(expected));
    }
  });

  test("is stored in several transactions, where one is too large, without a reference that is lost", async () => {
    const other = await newPatient("Other");
    const entries: Entry[] = JSON.parse(about(other)).entry;
    const places = new Map<string, string>();
    for (let rest = inOrder(entries); rest.length > 0; rest = rest.slice(60)) {
      // What is stored already is named by where it is.
      const part = JSON.stringify({
        resourceType: "Bundle",
        type: "transaction",
        entry: rest.slice(0, 60),
      }).replace(/"reference":"(urn:uuid:[^"]+)"/g, (whole, url) =>
        places.has(url) ? `"reference":"${places.get(url)}"` : whole,
      );
      const stored = await ask("", part);
      const answers = stored.resource.entry as unknown as { response: { location: string } }[];
      for (const [at, { response }] of answers.entries())
        places.set(rest[at]!.fullUrl, response.location.replace(/\/_history\/.*/, ""));
    }
    expect(places.size).toBe(entries.length);
    for (const type of ["Claim", "DiagnosticReport", "Encounter"]) {
      const found = await ask(`/${type}?patient=${other}&_count=1000`);
      expect(JSON.stringify(found.resource)).not.toContain("urn:uuid:");
    }
  });

  test("is found by search, as many as were sent of each type", async () => {
    const counts = Map.groupBy(JSON.parse(text).entry as Entry[], ({ resource }) => resource.resourceType);
    for (const type of ["Condition", "Claim", "DiagnosticReport", "MedicationRequest"]) {
      const { resource } = await ask(`/${type}?patient=${patient}&_count=1000`);
      expect((resource.entry as unknown[]).length).toBe(counts.get(type)!.length);
    }
  });
});

/** Each after those that it refers to. */
function inOrder(entries: readonly Entry[]): Entry[] {
  const left = new Map(entries.map((one) => [one.fullUrl, one]));
  const ordered: Entry[] = [];
  const take = (entry: Entry): void => {
    if (!left.delete(entry.fullUrl)) return;
    for (const [, url] of JSON.stringify(entry).matchAll(/"reference":"(urn:uuid:[^"]+)"/g)) {
      const named = left.get(url!);
      if (named !== undefined) take(named);
    }
    ordered.push(entry);
  };
  for (const entry of entries) take(entry);
  return ordered;
}
