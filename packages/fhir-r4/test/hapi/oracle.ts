/** HAPI's validator of FHIR R4, offline once Maven has fetched its libraries (145 MB). */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const home = fileURLToPath(new URL(".", import.meta.url));
const libraries = join(root, ".tools/fhir-oracle/lib");

/** Maven fetches them once. */
export function fetchLibraries(): void {
  if (existsSync(libraries)) return;
  mkdirSync(join(root, ".tools"), { recursive: true });
  run("mvn", ["-q", "-B", "-f", join(home, "pom.xml"), "package", `-Dlib=${libraries}`]);
}

/**
 * What it says of the files of a folder: `[file, severity, place, text]`.
 *
 * @param guides a folder of StructureDefinitions that it is to know beside R4's
 */
export function askHapi(folder: string, guides?: string): string[][] {
  const folders = guides === undefined ? [folder] : [folder, guides];
  const output = run("java", ["-cp", join(libraries, "*"), join(home, "Oracle.java"), ...folders]);
  return output
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
}

function run(program: string, parameters: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, parameters, {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${program}: ${error?.message ?? stderr.slice(-2000)}`);
  return stdout;
}
