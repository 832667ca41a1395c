/** `make check`: everything that CI holds besides the tests. Runs all checks, one on each core, and reports each on a line. */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

/** What a partner has: an import of proto-internal/ in proto/ would break their build, and only theirs. */
const publicOnly = JSON.stringify({ version: "v2", modules: [{ path: "proto" }, { path: "third_party" }] });

/** The longest ones first, so that no core waits at the end. */
const checks: readonly Check[] = [
  { name: "lint and format", command: ["biome", "ci", "--colors=off", "--error-on-warnings", "."] },
  { name: "types", command: ["tsc", "-p", "tsconfig.json"] },
  { name: "types of the pages in a browser", command: ["tsc", "-p", "web/patient/tsconfig.json"] },
  { name: "types of the developers' pages", command: ["tsc", "-p", "web/developers/tsconfig.json"] },
  { name: "types of the search of the documentation", command: ["tsc", "-p", "web/docs/tsconfig.json"] },
  {
    name: "types of the pages' service worker",
    command: ["tsc", "-p", "web/patient/service-worker/tsconfig.json"],
  },
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
  { name: "generated code is up to date", command: ["node", "scripts/check-generated.ts"] },
  { name: "manifests: strict, and by rule", command: ["node", "scripts/check-manifests.ts"] },
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
  { name: "contracts: breaking", command: ["node", "scripts/release.ts", "--breaking"] },
  { name: "one version everywhere, of the last release", command: ["node", "scripts/release.ts", "--check"] },
  { name: "every service is listed", command: ["node", "scripts/list-services.ts", "--check"] },
  { name: "the page of codes is up to date", command: ["node", "scripts/codes-page.ts", "--check"] },
  {
    name: "the page of reasons is what the sources say",
    command: ["node", "scripts/reasons-page.ts", "--check"],
  },
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
];

/** What `check` prints, and whether it passed. */
async function run({ name, command: [program, ...parameters] }: Check): Promise<boolean> {
  const started = performance.now();
  const output: string[] = [];
  const child = spawn(program, parameters, { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => output.push(text));
  }
  const status = await new Promise<number | null>((resolve) => {
    child.once("close", resolve).once("error", (error) => output.push(error.message));
  });
  const passed = status === 0;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    passed
      ? `✓  ${name} (${seconds} s)\n`
      : `✗  ${name}: ${[program, ...parameters].join(" ")}\n${output.join("")}\n`,
  );
  return passed;
}

const waiting = checks.values();

/** Runs one check after another of those that no other lane has taken. Most keep one core busy. */
async function lane(): Promise<void> {
  for (const check of waiting) {
    if (!(await run(check))) process.exitCode = 1;
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, lane));
