import { basename } from "node:path";
import { CliError } from "../failure.ts";
import type { ReleaseFile, ReleaseOptions } from "./release-file.ts";

/** Opens a file by its name and form. Throws CliError `usage` where it is of no form that is known. */
export async function openReleaseFile(path: string, options: ReleaseOptions): Promise<ReleaseFile> {
  const name = basename(path);
  if (name.endsWith(".json")) return (await import("./fhir-json.ts")).openFhirJson(path, options);
  if (/^sct2_Description_Snapshot.*\.txt$/.test(name))
    return (await import("./snomed-rf2.ts")).openRf2(path, options);
  if (name.endsWith(".csv")) return (await import("./loinc-table.ts")).openLoincTable(path, options);
  throw new CliError(
    "usage",
    `${name} is no file that can be loaded: a CodeSystem or ValueSet of FHIR (.json), LOINC's table (Loinc.csv), or SNOMED CT's sct2_Description_Snapshot….txt`,
  );
}
