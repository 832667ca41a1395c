/**
 * Writes what the host has to know of the services' folders: an export of each descriptor, and the dependency on each
 * package. `--check` compares with the committed files instead.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const root = new URL("../", import.meta.url);

/** A folder with a descriptor is a service. Sorted. */
export function serviceFolders(): readonly string[] {
  return readdirSync(new URL("services", root))
    .filter((name) => existsSync(new URL(`services/${name}/src/descriptor.ts`, root)))
    .sort();
}

/** The file's path from the root of the repository, and its text. */
export function listedFiles(names: readonly string[]): ReadonlyMap<string, string> {
  const listed = names
    .map((name) => `export { ${name}Service } from "@wellapi/${name}/descriptor";\n`)
    .join("");
  const path = "host/package.json";
  const host = JSON.parse(textOf(path)!) as { version: string; dependencies: Record<string, string> };
  for (const name of names) host.dependencies[`@wellapi/${name}`] ??= host.version;
  return new Map([
    [
      "host/src/listed-services.ts",
      `/** Generated from the folders of services/ by scripts/list-services.ts (make generate). Do not edit. */\n${listed}`,
    ],
    [path, `${JSON.stringify(host, null, 2)}\n`],
  ]);
}

function textOf(path: string): string | undefined {
  const url = new URL(path, root);
  return existsSync(url) ? readFileSync(url, "utf8") : undefined;
}

if (import.meta.main) {
  const stale = [...listedFiles(serviceFolders())].filter(([path, text]) => textOf(path) !== text);
  for (const [path, text] of stale) {
    if (process.argv.includes("--check")) {
      process.stdout.write(`${path} does not list every service; run "make generate", then "npm install"\n`);
      process.exitCode = 1;
    } else {
      writeFileSync(new URL(path, root), text);
    }
  }
}
