import { basename } from "node:path";
import { CliError } from "../failure.ts";

/** A code of a file, as it is loaded. */
export interface FileConcept {
  readonly system: string;
  readonly code: string;
  readonly display: string;
  readonly inactive: boolean;
}

/** What a file says that it is, and its codes in its order. */
export interface ReleaseFile {
  readonly kind: "code_system" | "value_set";
  readonly url: string;
  readonly version: string;
  readonly title: string;
  /** Each time from the beginning. Throws CliError `input`. */
  concepts(): AsyncIterable<FileConcept>;
}

export interface ReleaseOptions {
  /** As the publisher names it, where the file does not say it. */
  readonly version?: string;
}

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

/** Throws CliError `usage` where neither says a version. */
export function versionOf(said: string | undefined, options: ReleaseOptions): string {
  const version = options.version ?? said ?? "";
  if (version !== "") return version;
  throw new CliError(
    "usage",
    "the file does not say its version: name it with --release, for example --release 2.81",
  );
}

export function notRead(path: string, cause: unknown): CliError {
  if (cause instanceof CliError) return cause;
  return new CliError("input", `cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`, {
    cause,
  });
}
