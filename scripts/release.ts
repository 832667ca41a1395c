/**
 * `make release VERSION=1.1.0`: makes a release of what is committed. It needs an entry "Unreleased" in docs/changelog.md, which gets the
 * version and the day; contracts without a break (or BREAKS=docs/decisions/NNNN-….md, which decides on it); and writes the version at
 * every place, and what is kept of the release (releases/). Then commit and tag, as it prints.
 *
 * `node scripts/release.ts --check`: whether all of this is as a release left it. `--breaking`: against the last one, by
 * buf breaking and by the rules of requests.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./client-contracts.ts";
import { byVersion, keepRelease, type Release, releases } from "./release/releases.ts";
import { stricterRules } from "./release/stricter-rules.ts";
import { currentVersion, otherVersions, writeVersion } from "./release/versions.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const changelog = new URL("../docs/changelog.md", import.meta.url);
const unreleased = "## Unreleased\n";

class ReleaseError extends Error {
  override readonly name = "ReleaseError";
}

/** What is broken in proto/ since the last release, as buf finds it, and by stricter rules; empty: nothing. */
function breaks(): string {
  const last = releases().at(-1);
  if (last === undefined) return "";
  const rules = stricterRules(readFileSync(last.contracts), currentContracts());
  return [brokenBy(last), ...rules.map((rule) => `${rule}\n`)].join("");
}

function brokenBy(last: Release): string {
  const { status, stdout, stderr, error } = spawnSync(
    "buf",
    ["breaking", "proto", "--against", last.contracts],
    {
      cwd: root,
      encoding: "utf8",
    },
  );
  if (error) throw error;
  return status === 0 ? "" : `${stdout}${stderr}`;
}

/** An image of proto/ as it is. */
function currentContracts(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "wellapi-contracts-"));
  try {
    const image = join(folder, "contracts.binpb");
    run("buf", ["build", "proto", "--exclude-source-info", "-o", image], root);
    return readFileSync(image);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function release(version: string | undefined, decision: string | undefined, day: string): void {
  if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new ReleaseError("name the version: make release VERSION=1.1.0");
  }
  const last = releases().at(-1)?.version ?? "0.0.0";
  if (byVersion(version, last) <= 0) throw new ReleaseError(`${version} is not after ${last}`);
  if (run("git", ["status", "--porcelain"], root) !== "") throw new ReleaseError("commit or stash first");
  const text = readFileSync(changelog, "utf8");
  const [, entry = ""] = text.split(unreleased);
  if (entry.split("\n## ")[0]!.trim() === "") {
    throw new ReleaseError('write what changes for callers into docs/changelog.md, under "Unreleased"');
  }
  const broken = breaks();
  if (broken !== "" && (decision === undefined || !existsSync(`${root}/${decision}`))) {
    throw new ReleaseError(
      `${broken}name the decision that publishes the break: BREAKS=docs/decisions/NNNN-title.md`,
    );
  }
  run("buf", ["lint"], root);
  writeFileSync(changelog, text.replace(unreleased, `${unreleased}\n## ${version} (${day})\n`));
  writeVersion(version);
  keepRelease(version);
  process.stdout.write(
    `Now: git add -A && git commit -m "chore(release): ${version}" && git tag v${version}; then deploy/README.md, to build the image\n`,
  );
}

/** Whether the checkout is of the last release or what came after it; faults as sentences. */
function faults(): readonly string[] {
  const version = currentVersion();
  const last = releases().at(-1);
  const found = otherVersions(version).map((place) => `${place} instead of ${version}`);
  if (last?.version !== version)
    found.push(`the last release is ${last?.version}, and the program says ${version}`);
  const text = readFileSync(changelog, "utf8");
  for (const one of releases()) {
    if (!text.includes(`\n## ${one.version} (`))
      found.push(`docs/changelog.md has no entry of ${one.version}`);
    for (const file of [one.contracts, one.clients]) if (!existsSync(file)) found.push(`${file} is missing`);
  }
  if (!text.includes(unreleased)) found.push("docs/changelog.md has no part for what is not released");
  return found;
}

try {
  const [option] = process.argv.slice(2);
  if (option === "--check" || option === "--breaking") {
    const found = option === "--check" ? faults() : [breaks()].filter((one) => one !== "");
    for (const fault of found) process.stdout.write(`${fault}\n`);
    if (found.length > 0) process.exitCode = 1;
  } else {
    release(process.env.VERSION, process.env.BREAKS, new Date().toISOString().slice(0, 10));
  }
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
