/**
 * HAPI's validator with the guides' own StructureDefinitions, beside our tables of what they ask for. The definitions stay out of this
 * repository: WELLAPI_FHIR_GUIDES names a folder with HL7/US-Core at `8.0.1` and HL7/fhir-ipa, as git clones them.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openHapi } from "./hapi/oracle.ts";
import { plantedInPatientAccess } from "./planted-patient-access.ts";
import { plantedInUsCore } from "./planted-us-core.ts";

const clones = process.env.WELLAPI_FHIR_GUIDES ?? "";
if (clones === "") {
  process.stderr.write(
    "hapi-guides.it.test.ts: skipped: set WELLAPI_FHIR_GUIDES to clones of HL7's guides\n",
  );
}

/** HAPI looks at the type of what a reference points to only where it can fetch it, or it is contained. */
const unseenByHapi = ["a subject that is no patient", "reported by an organization"];

const guides = [
  ["http://hl7.org/fhir/us/core/StructureDefinition", plantedInUsCore],
  ["http://hl7.org/fhir/uv/ipa/StructureDefinition", plantedInPatientAccess],
] as const;

const asked = guides.flatMap(([guide, planted]) =>
  Object.entries(planted).flatMap(([id, { right, permitted = {}, faults }]) => {
    const resource = { ...right, meta: { profile: [`${guide}/${id}`] } };
    const changes = Object.entries(faults).map(([fault, [change]]) => [fault, change] as const);
    return [
      { name: id, resource, faulty: false },
      ...Object.entries(permitted).map(([what, change]) => {
        return { name: `${id}: ${what}`, resource: { ...resource, ...change }, faulty: false };
      }),
      ...changes.map(([fault, change]) => {
        return {
          name: `${id}: ${fault}`,
          resource: { ...resource, ...change },
          faulty: !unseenByHapi.includes(fault),
        };
      }),
    ];
  }),
);

describe.runIf(clones !== "")("HAPI's validator with the guides' definitions", () => {
  const refused = new Set<string>();

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "wellapi-guides-"));
    const [cases, definitions] = [join(folder, "cases"), join(folder, "definitions")];
    try {
      for (const one of [cases, definitions]) mkdirSync(one);
      for (const [at, { resource }] of asked.entries()) {
        writeFileSync(join(cases, `${at}.json`), JSON.stringify(resource));
      }
      for (const guide of ["US-Core", "fhir-ipa"]) {
        const source = join(clones, guide, "input/resources");
        for (const file of readdirSync(source)) {
          if (/^structuredefinition-.*\.json$/i.test(file))
            cpSync(join(source, file), join(definitions, file));
        }
      }
      const hapi = await openHapi(definitions);
      for (const at of asked.keys()) {
        if ((await hapi.errorsOf(join(cases, `${at}.json`))).length > 0) refused.add(`${at}.json`);
      }
      await hapi.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 900_000);

  test("refuses and takes what our tables refuse and take", () => {
    const differing = asked.filter(({ faulty }, at) => refused.has(`${at}.json`) !== faulty);
    expect(differing.map(({ name }) => name)).toEqual([]);
    expect(refused.size).toBeGreaterThan(250);
  });
});
