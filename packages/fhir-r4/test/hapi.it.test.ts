/** HAPI's validator of FHIR R4 (Maven, HL7's reference implementation) as oracle, offline once its libraries are here. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatJson, formatXml, parseJson, validate } from "@wellapi/fhir-r4";
import { beforeAll, describe, expect, test } from "vitest";
import { examples } from "./examples.ts";
import { askHapi, fetchLibraries } from "./hapi/oracle.ts";
import { observationWith, plantedFaults } from "./planted.ts";
import { plantedInProfiles, pressure } from "./planted-profiles.ts";

/** Its libraries are 145 MB, which Maven fetches for minutes: not in every run of CI. */
const wanted = process.env.WELLAPI_TRY_HAPI !== undefined;
if (!wanted)
  process.stderr.write("hapi.it.test.ts: skipped: HAPI is fetched for minutes; set WELLAPI_TRY_HAPI=1\n");

/** HAPI looks at the type of what a reference points to only where it can fetch it. */
const unseenByHapi: readonly string[] = ["a reference to another type"];

/** A fault by its name, as a file's. */
const fileOf = (fault: string) => `fault-${Object.keys(plantedFaults).indexOf(fault)}.json`;

/** One example of each type. */
const chosen = [...new Map(examples.map((text) => [parseJson(text).resourceType, text])).entries()];

describe.runIf(wanted)("HAPI's validator", { timeout: 300_000 }, () => {
  /** Errors by file: HAPI's words, sorted. */
  const errors = new Map<string, string[]>();

  beforeAll(() => {
    fetchLibraries();
    const folder = mkdtempSync(join(tmpdir(), "wellapi-hapi-"));
    try {
      writeFileSync(join(folder, "right.json"), observationWith({}));
      for (const [fault, change] of Object.entries(plantedFaults)) {
        writeFileSync(join(folder, fileOf(fault)), observationWith(change));
      }
      writeFileSync(join(folder, "pressure.json"), JSON.stringify(pressure));
      for (const [at, [change]] of Object.values(plantedInProfiles).entries()) {
        writeFileSync(join(folder, `profile-${at}.json`), JSON.stringify({ ...pressure, ...change }));
      }
      for (const [type, text] of chosen) {
        const resource = parseJson(text);
        writeFileSync(join(folder, `${type}.sent.json`), text);
        writeFileSync(join(folder, `${type}.json`), formatJson(resource));
        writeFileSync(join(folder, `${type}.xml`), formatXml(resource));
      }
      for (const file of readdirSync(folder)) errors.set(file, []);
      for (const [file, severity, , text] of askHapi(folder)) {
        if (severity === "ERROR" || severity === "FATAL") errors.get(file!)!.push(text!);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 900_000);

  test("accepts what is right", () => {
    expect(errors.get("right.json")).toEqual([]);
  });

  test.each(Object.keys(plantedFaults))("refuses as ours does: %s", (fault) => {
    const ours = validate(parseJson(observationWith(plantedFaults[fault]!))).filter(
      ({ severity }) => severity === "error",
    );
    expect(ours).not.toEqual([]);
    expect(errors.get(fileOf(fault))!.length > 0).toBe(!unseenByHapi.includes(fault));
  });

  test("accepts what is as its profile asks, and refuses what is not", () => {
    expect(errors.get("pressure.json")).toEqual([]);
    const taken = Object.keys(plantedInProfiles).filter(
      (_, at) => errors.get(`profile-${at}.json`)!.length === 0,
    );
    expect(taken).toEqual([]);
  });

  test.each(chosen.map(([type]) => type))(
    "finds the same in a %s as it was sent, and in the JSON and XML that we write",
    (type) => {
      const sent = errors.get(`${type}.sent.json`)!.sort();
      expect(errors.get(`${type}.json`)!.sort()).toEqual(sent);
      expect(errors.get(`${type}.xml`)!.sort()).toEqual(sent);
    },
  );
});
