/**
 * HAPI's validator of FHIR R4 as oracle: of planted faults, of HL7's examples as we write them, and of all that the tests got as FHIR where
 * WELLAPI_FHIR_EMITTED names the folder in which they keep it (test/fhir/emitted.setup.ts).
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  type FhirResource,
  formatJson,
  formatXml,
  isObject,
  parseJson,
  parseXml,
  validate,
} from "@wellapi/fhir-r4";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { examples } from "./examples.ts";
import { Emitted } from "./hapi/emitted.ts";
import { type Errors, type Hapi, openHapi } from "./hapi/oracle.ts";
import { observationWith, plantedFaults } from "./planted.ts";
import { plantedInProfiles, pressure } from "./planted-profiles.ts";

/** Its libraries are 145 MB, which Maven fetches for minutes: not in every run. */
const wanted = process.env.WELLAPI_TRY_HAPI !== undefined;
if (!wanted)
  process.stderr.write("hapi.it.test.ts: skipped: HAPI is fetched for minutes; set WELLAPI_TRY_HAPI=1\n");

const emittedHere = process.env.WELLAPI_FHIR_EMITTED;

/** HAPI looks at the type of what a reference points to only where it can fetch it. */
const unseenByHapi: readonly string[] = ["a reference to another type"];

/** It compares `_type` of a search's self link with the entries as it is encoded there. */
const misreadByHapi = /This is not a matching resource type for the specified search \(.*%2C/;

/** Of the types that the exchange makes itself, beside those that it passes on. */
const madeHere = [
  ...["AuditEvent", "Bundle", "CapabilityStatement", "Consent", "Device", "Observation", "OperationOutcome"],
  ...["Organization", "Parameters", "Patient", "Provenance", "ValueSet"],
];

/** In CI it gets what the tests leave idle. */
const patience = 3_600_000;

/** One example of each type. */
const chosen = [...new Map(examples.map((text) => [parseJson(text).resourceType, text])).entries()];

describe.runIf(wanted)("HAPI's validator", { timeout: patience }, () => {
  const folder = mkdtempSync(join(tmpdir(), "wellapi-hapi-"));
  let hapi: Hapi;
  let files = 0;

  /** HAPI's words, sorted. */
  async function errorsIn(text: string, encoding: "json" | "xml" = "json"): Promise<Errors> {
    const path = join(folder, `${++files}.${encoding}`);
    writeFileSync(path, text);
    return [...(await hapi.errorsOf(path))].sort();
  }

  beforeAll(async () => {
    hapi = await openHapi();
  }, patience);
  afterAll(async () => {
    await hapi?.close();
    rmSync(folder, { recursive: true });
  });

  test("accepts what is right", async () => {
    expect(await errorsIn(observationWith({}))).toEqual([]);
  });

  test.each(Object.entries(plantedFaults))("refuses as ours does: %s", async (fault, change) => {
    const text = observationWith(change);
    expect(validate(parseJson(text)).some(({ severity }) => severity === "error")).toBe(true);
    expect((await errorsIn(text)).length > 0).toBe(!unseenByHapi.includes(fault));
  });

  test("accepts what is as its profile asks, and refuses what is not", async () => {
    expect(await errorsIn(JSON.stringify(pressure))).toEqual([]);
    for (const [fault, [change]] of Object.entries(plantedInProfiles))
      expect(await errorsIn(JSON.stringify({ ...pressure, ...change })), fault).not.toEqual([]);
  });

  test.each(chosen)(
    "finds the same in a %s as it was sent, and in the JSON and XML that we write",
    async (_, text) => {
      const resource = parseJson(text);
      const sent = await errorsIn(text);
      expect(await errorsIn(formatJson(resource))).toEqual(sent);
      expect(await errorsIn(formatXml(resource), "xml")).toEqual(sent);
    },
  );

  test.runIf(emittedHere !== undefined)(
    "finds no fault in what the tests got as FHIR, and each that is planted there",
    async () => {
      const emitted = new Emitted();
      const faults: string[] = [];
      const kinds = { json: new Map<string, FhirResource>(), xml: new Map<string, FhirResource>() };
      let judged = 0;
      for await (const { name, text } of texts(emittedHere!)) {
        const encoding = name.endsWith(".xml") ? "xml" : "json";
        const part = emitted.next(text, encoding);
        if (part === undefined) continue;
        judged++;
        const errors = (await errorsIn(part, encoding)).filter((error) => !misreadByHapi.test(error));
        if (errors.length > 0) faults.push(`${name}: ${errors.join("; ")}\n${part.slice(0, 300)}`);
        const resource = encoding === "json" ? parseJson(part) : parseXml(part);
        for (const one of resourcesOf(resource)) kinds[encoding].set(one.resourceType, one);
      }
      const told = Object.values(kinds).map((of) => [...of.keys()].sort());
      process.stdout.write(
        `HAPI's validator judged ${judged} texts; in JSON: ${told[0]!.join(", ")}; in XML: ${told[1]!.join(", ")}\n`,
      );
      expect(faults).toEqual([]);
      const unfound: string[] = [];
      for (const [kind, resource] of kinds.json)
        if ((await errorsIn(JSON.stringify({ ...resource, colour: "red" }))).length === 0) unfound.push(kind);
      expect(unfound).toEqual([]);
      expect(told[0]).toEqual(expect.arrayContaining(madeHere));
      expect(told[1]).toEqual(
        expect.arrayContaining(["Bundle", "Condition", "Consent", "Device", "Observation"]),
      );
    },
  );
});

/** What comes into the folder, until there is a file `complete`. */
async function* texts(folder: string): AsyncGenerator<{ readonly name: string; readonly text: string }> {
  const seen = new Set<string>();
  for (let complete = false; !complete; ) {
    complete = existsSync(join(folder, "complete"));
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      if (!/^[^.].*\.(json|xml)$/.test(name) || seen.has(name)) continue;
      seen.add(name);
      yield { name, text: readFileSync(join(folder, name), "utf8") };
    }
    if (!complete) await delay(2_000);
  }
}

function resourcesOf(resource: FhirResource): readonly FhirResource[] {
  const { entry } = resource;
  if (!Array.isArray(entry)) return [resource];
  const held = entry.flatMap((one) =>
    isObject(one) && isObject(one.resource) ? [one.resource as FhirResource] : [],
  );
  return [resource, ...held];
}
