/**
 * `make security`: what can be told about the security of the source without running it. Prints a line a check and exits 1
 * where one fails. README.md says what each covers, and what none does.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("./", import.meta.url));

if (!existsSync(`${here}node_modules/recheck`)) {
  const install = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  spawnSync("npm", install, { cwd: here, stdio: ["ignore", "ignore", "inherit"] });
}

// These import what has just been installed.
const { checkRegexes } = await import("./regexes.ts");
const { checkLicences } = await import("./sbom.ts");
const { checkSecrets } = await import("./secrets.ts");

const checks: readonly (readonly [string, () => readonly string[] | Promise<readonly string[]>])[] = [
  ["no secret in the tree or its history", checkSecrets],
  ["licences of what is served, and its SBOM (security/reports/sbom.json)", checkLicences],
  ["regular expressions take a time in proportion to their input", checkRegexes],
];

for (const [name, check] of checks) {
  const started = performance.now();
  const problems = await check();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (problems.length > 0) process.exitCode = 1;
  process.stdout.write(`${problems.length === 0 ? "✓" : "✗"}  ${name} (${seconds} s)\n`);
  for (const problem of problems) process.stdout.write(`   ${problem}\n`);
}
