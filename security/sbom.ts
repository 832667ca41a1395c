/** What is served, as CycloneDX, and whether its licences are permitted. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

interface Component {
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly licenses?: readonly {
    readonly license?: { readonly id?: string; readonly name?: string };
    readonly expression?: string;
  }[];
}

interface Licences {
  /** SPDX names and expressions that may be served. */
  readonly permitted: readonly string[];
  /** Packages whose licence has no SPDX name or is permitted for them alone, each with the reason why it may be served. */
  readonly packages: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL("../", import.meta.url));
const tool = fileURLToPath(
  new URL("node_modules/@cyclonedx/cyclonedx-npm/bin/cyclonedx-npm-cli.js", import.meta.url),
);
const reports = fileURLToPath(new URL("reports/", import.meta.url));

/** Writes `security/reports/sbom.json`: the command line's packages and theirs, by the lockfile. Returns what is wrong. */
export function checkLicences(): readonly string[] {
  mkdirSync(reports, { recursive: true });
  const file = `${reports}sbom.json`;
  const what = ["--omit", "dev", "--workspace", "cli", "--package-lock-only"];
  const how = ["--output-format", "JSON", "--output-reproducible", "--output-file", file];
  const run = spawnSync(process.execPath, [tool, ...what, ...how], { cwd: root, encoding: "utf8" });
  if (run.status !== 0) return [`the SBOM was not made: ${run.stderr}`];
  const { components } = JSON.parse(readFileSync(file, "utf8")) as { components: readonly Component[] };
  const licences = JSON.parse(readFileSync(new URL("licences.json", import.meta.url), "utf8")) as Licences;
  return components.filter((one) => !isOurs(one)).flatMap((one) => objectionTo(one, licences));
}

function isOurs({ group }: Component): boolean {
  return group === "@wellapi";
}

function objectionTo(component: Component, { permitted, packages }: Licences): readonly string[] {
  const name = component.group ? `${component.group}/${component.name}` : component.name;
  if (name in packages) return [];
  const found = (component.licenses ?? []).map(
    ({ license, expression }) => expression ?? license?.id ?? license?.name ?? "",
  );
  if (found.length > 0 && found.every((licence) => permitted.includes(licence))) return [];
  return [
    `${name} ${component.version}: ${found.join(", ") || "no licence"} is not permitted in security/licences.json`,
  ];
}
