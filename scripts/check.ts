/** `make check`: everything that CI holds besides the tests. Runs all checks and reports each on a line. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const release = "proto/released.binpb";

/** What a partner has: an import of proto-internal/ in proto/ would break their build, and only theirs. */
const publicOnly = JSON.stringify({ version: "v2", modules: [{ path: "proto" }, { path: "third_party" }] });

const checks: Check[] = [
  { name: "contracts: lint", command: ["buf", "lint"] },
  {
    name: "contracts: the public ones build alone",
    command: ["buf", "build", ".", "--config", publicOnly, "-o", "/dev/null"],
  },
  { name: "contracts: format", command: ["buf", "format", "proto", "--diff", "--exit-code"] },
  {
    name: "internal contracts: format",
    command: ["buf", "format", "proto-internal", "--diff", "--exit-code"],
  },
  { name: "generated code is up to date", command: ["node", "scripts/check-generated.ts"] },
  { name: "every service is listed", command: ["node", "scripts/list-services.ts", "--check"] },
  { name: "the page of codes is up to date", command: ["node", "scripts/codes-page.ts", "--check"] },
  {
    name: "the page of permissions is the contracts'",
    command: ["node", "scripts/permissions-page.ts", "--check"],
  },
  {
    name: "the schema of attribute policies is the contracts'",
    command: ["node", "scripts/policy-schema.ts", "--check"],
  },
  {
    name: "FHIR's definitions are HL7's",
    command: ["node", "scripts/fhir-definitions.ts", "--check"],
  },
  { name: "the default policies are proven", command: ["node", "scripts/policy-proof.ts", "--check"] },
  {
    name: "the mesh's policies are the contracts'",
    command: ["node", "scripts/mesh-policies.ts", "--check"],
  },
  { name: "manifests: strict, and by rule", command: ["node", "scripts/check-manifests.ts"] },
  { name: "lint and format", command: ["biome", "ci", "--colors=off", "--error-on-warnings", "."] },
  { name: "types", command: ["tsc", "-p", "tsconfig.json"] },
  { name: "types of the pages in a browser", command: ["tsc", "-p", "web/patient/tsconfig.json"] },
  {
    name: "architecture",
    command: [
      "depcruise",
      "--config",
      ".dependency-cruiser.cjs",
      "packages",
      "services",
      "web",
      "host",
      "sdk",
      "cli",
      "demo",
    ],
  },
];

if (existsSync(release)) {
  checks.push({ name: "contracts: breaking", command: ["buf", "breaking", "proto", "--against", release] });
} else {
  process.stdout.write("–  contracts: breaking: there is no release yet, so nothing to compare with\n");
}

let failed = 0;
for (const { name, command } of checks) {
  const [program, ...parameters] = command;
  const started = performance.now();
  const run = spawnSync(program, parameters, { encoding: "utf8" });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (run.status === 0) {
    process.stdout.write(`✓  ${name} (${seconds} s)\n`);
  } else {
    failed += 1;
    process.stdout.write(
      `✗  ${name}: ${command.join(" ")}\n${run.stdout ?? ""}${run.stderr ?? ""}${run.error?.message ?? ""}\n`,
    );
  }
}
process.exitCode = failed === 0 ? 0 : 1;
