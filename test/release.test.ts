/** `make release`, in a clone of this checkout. */
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "@wellapi/demo/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { releases } from "../scripts/release/releases.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = temporaryFolder();
const clone = join(folder.path, "clone");
const last = releases().at(-1)!.version;
const [major, minor] = last.split(".").map(Number);
const next = `${major}.${minor! + 1}.0`;
// Programs that it starts one after another: a machine that is slow for a moment must not fail it.
const timeout = 300_000;
const contract = "proto/wellapi/consent/v1/consent_service.proto";

function git(...args: readonly string[]): void {
  const own = ["-c", "user.name=test", "-c", "user.email=test@wellapi.invalid", "-c", "commit.gpgsign=false"];
  const { status, stderr } = spawnSync("git", [...own, ...args], { cwd: clone, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

/** What it prints, and whether it agreed. */
function release(env: NodeJS.ProcessEnv, ...args: readonly string[]) {
  const program = spawnSync(process.execPath, ["scripts/release.ts", ...args], {
    cwd: clone,
    encoding: "utf8",
    env: { ...process.env, VERSION: "", BREAKS: "", ...env },
  });
  return { done: program.status === 0, said: `${program.stdout}${program.stderr}` };
}

const textOf = (file: string) => readFileSync(join(clone, file), "utf8");

beforeAll(() => {
  spawnSync("git", ["clone", "--quiet", "--local", root, clone]);
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"));
  appendFileSync(join(clone, ".git/info/exclude"), "/node_modules\n");
  // Whatever stands there for the next release.
  const changelog = textOf("docs/changelog.md");
  const [head, rest] = changelog.split("## Unreleased\n") as [string, string];
  writeFileSync(
    join(clone, "docs/changelog.md"),
    `${head}## Unreleased\n\n## ${rest.split("\n## ").slice(1).join("\n## ")}`,
  );
  git("commit", "--quiet", "--allow-empty", "-a", "-m", "test: nothing is told yet");
});

afterAll(() => folder.remove());

test("it wants a later version, what changes for callers, and a clean checkout", { timeout }, () => {
  expect(release({ VERSION: last }).said).toContain("is not after");
  expect(release({ VERSION: next }).said).toContain("docs/changelog.md");
  appendFileSync(join(clone, "README.md"), "\n");
  expect(release({ VERSION: next }).said).toContain("commit or stash first");
  git("checkout", "--quiet", "README.md");
});

test("it refuses a break that no decision publishes, and writes the version everywhere, which the check holds", {
  timeout,
}, () => {
  const text = textOf("docs/changelog.md");
  writeFileSync(
    join(clone, "docs/changelog.md"),
    text.replace("## Unreleased\n", "## Unreleased\n\n- An entry.\n"),
  );
  git("commit", "--quiet", "-a", "-m", "docs: told");
  writeFileSync(join(clone, contract), textOf(contract).replace("rpc RevokeConsent(", "rpc EndConsent("));
  git("commit", "--quiet", "-a", "-m", "feat: a break");
  const broken = release({ VERSION: next });
  expect(broken).toMatchObject({ done: false, said: expect.stringContaining("RevokeConsent") });
  git("reset", "--quiet", "--hard", "HEAD~1");

  expect(release({ VERSION: next }).said).toContain(`git tag v${next}`);
  expect(textOf("docs/changelog.md")).toMatch(
    new RegExp(`## Unreleased\n\n## ${next} \\(\\d{4}-\\d\\d-\\d\\d\\)\n\n- An entry.`),
  );
  for (const file of ["packages/runtime/src/version.ts", "sdk/java/pom.xml", "sdk/python/pyproject.toml"]) {
    expect(textOf(file), file).toContain(next);
  }
  expect(release({}, "--check")).toEqual({ done: true, said: "" });
  const pom = textOf("sdk/java/pom.xml");
  writeFileSync(join(clone, "sdk/java/pom.xml"), pom.replace(`<version>${next}<`, "<version>9.9.9<"));
  rmSync(join(clone, `releases/${next}/clients.tar.gz`));
  const { done, said } = release({}, "--check");
  expect({ done, said: said.trim().split("\n") }).toEqual({
    done: false,
    said: [
      `sdk/java/pom.xml: 9.9.9 instead of ${next}`,
      expect.stringContaining(`releases/${next}/clients.tar.gz is missing`),
    ],
  });
});
