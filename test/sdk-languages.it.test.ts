/** The client libraries for Python and Java, built from the contracts as they are, against a real exchange and every scenario. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "@wellapi/demo/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildPythonSdk, generateReleasedPythonSdk } from "../scripts/python-sdk.ts";
import { releases, unpackClients } from "../scripts/release/releases.ts";
import { readScenarios } from "../sdk/conformance/src/scenario.ts";
import { describeExchange } from "./described-exchange.ts";
import { sharedExchange } from "./shared-exchange.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const sdk = join(root, "sdk/python");
const javaSdk = join(root, "sdk/java");

// The wheel needs 100 MB of libraries, Java's 20: not for each run on a laptop.
const wanted = process.env.CI || process.env.WELLAPI_TRY_LANGUAGES;
if (!wanted) {
  process.stderr.write("sdk-languages.it.test.ts: not run without CI or WELLAPI_TRY_LANGUAGES=1\n");
}
const hasJava = ["javac", "mvn"].every((program) => spawnSync(program, ["-version"]).error === undefined);
if (wanted && !hasJava) {
  process.stderr.write(
    "sdk-languages.it.test.ts: javac and mvn are not here, so Java's library was not run\n",
  );
}

/** What the program prints; fails with all that it said where it fails. */
async function runIn(
  cwd: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  expect({ code, signal }, `${command} ${args.join(" ")}\n${out}${err}`).toEqual({ code: 0, signal: null });
  return out;
}

describe.runIf(wanted)("the client library for Python", { timeout: 300_000, concurrent: true }, () => {
  const folder = temporaryFolder();
  const credentials = join(folder.path, "credentials");
  const python = join(folder.path, "venv/bin/python");
  const server = sharedExchange();

  const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    runIn(folder.path, command, args, { PYTHONDONTWRITEBYTECODE: "1", PYTHONFAULTHANDLER: "1", ...env });

  /** The wheel, installed as a user would, with what it brings for those who ask for it. */
  async function install() {
    const wheel = await buildPythonSdk(join(folder.path, "dist"));
    await run("python3", ["-m", "venv", "venv"]);
    const options = ["--quiet", "--only-binary", ":all:", "--no-compile", "--disable-pip-version-check"];
    await run(python, ["-m", "pip", "install", ...options, `${wheel}[oauth,verify,pandas,dev]`]);
  }

  beforeAll(async () => {
    const installed = install();
    await Promise.all([installed, describeExchange(server, credentials)]);
  }, 600_000);

  afterAll(() => folder.remove());

  // Alone: it reads all that there is.
  test("the README's program sends a batch and reads it back", { concurrent: false }, async () => {
    const program = readFileSync(join(sdk, "examples/heart_rate.py"), "utf8");
    expect(readFileSync(join(sdk, "README.md"), "utf8")).toContain(`\`\`\`python\n${program}\`\`\``);
    const out = await run(python, [join(sdk, "examples/heart_rate.py"), credentials], {
      WELLAPI_URL: server.grpc,
    });
    expect(out).toBe(
      [
        "['ACCEPTED']",
        "2026-04-12T08:00:00+02:00 72.0 /min",
        "2026-04-12T08:01:00+02:00 75.0 /min",
        "2026-04-12T08:02:00+02:00 74.5 /min",
        "",
      ].join("\n"),
    );
  });

  test("it writes and reads by certificate, key and OAuth, follows, verifies, and stays exact", async () => {
    const out = await run(python, [join(sdk, "tests/against_exchange.py"), join(credentials, "here.json")]);
    expect(out.trim().split("\n")).toEqual(
      [
        "by_each_way",
        "tokens",
        "clinical",
        "progress",
        "refusals",
        "frames",
        "watch",
        "asynchronous",
        "log",
        "no_aggregate_without_an_interval",
      ].map((part) => `ok ${part}`),
    );
  });

  test("proofs of another implementation verify, and changed ones do not", async () => {
    await run(python, [join(sdk, "tests/test_verification.py")], {
      WELLAPI_GOLDEN: join(root, "packages/merkle/test/golden"),
    });
  });

  test("blocking and with asyncio it behaves as every scenario says", async () => {
    const runner = join(root, "sdk/conformance/python_runner.py");
    const scenarios = await Promise.all(
      ["blocking", "asyncio"].map((way) => run(python, [runner, process.execPath, way])),
    );
    for (const out of scenarios) expect(out.trim().split("\n").length).toBeGreaterThan(60);
  });

  test.each(releases())("the library of release $version does the same at this exchange", async (release) => {
    const own = join(folder.path, `credentials-${release.version}`);
    await describeExchange(server, own);
    const unpacked = unpackClients(release);
    const env = { PYTHONPATH: await generateReleasedPythonSdk(unpacked, release.contracts) };
    const program = join(unpacked, "sdk/python/tests/against_exchange.py");
    const out = await run(python, [program, join(own, "here.json")], env);
    expect(out.trim().split("\n").length).toBeGreaterThan(8);
  });

  test("it is formatted, and its linter finds nothing", async () => {
    const files = ["src", "tests", "examples", "../conformance/python_runner.py"].map((one) =>
      join(sdk, one),
    );
    const ruff = join(folder.path, "venv/bin/ruff");
    const config = ["--no-cache", "--config", join(sdk, "pyproject.toml")];
    await run(ruff, ["check", ...config, ...files]);
    await run(ruff, ["format", "--check", ...config, ...files]);
  });
});

describe.runIf(wanted && hasJava)(
  "the client library for Java",
  { timeout: 300_000, concurrent: true },
  () => {
    const folder = temporaryFolder();
    const credentials = join(folder.path, "credentials");
    const server = sharedExchange();
    let classPath = "";

    const java = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
      // They live for seconds: their own code is compiled quickly, not well.
      runIn(
        folder.path,
        "java",
        ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classPath, ...args],
        env,
      );

    beforeAll(async () => {
      const built = runIn(root, process.execPath, ["scripts/java-sdk.ts"]);
      [classPath] = await Promise.all([
        built.then((out) => out.trim()),
        describeExchange(server, credentials),
      ]);
    }, 600_000);

    afterAll(() => folder.remove());

    // Alone: it reads all that there is.
    test("the README's program sends a batch and reads it back", { concurrent: false }, async () => {
      const program = readFileSync(join(javaSdk, "examples/HeartRate.java"), "utf8");
      expect(readFileSync(join(javaSdk, "README.md"), "utf8")).toContain(`\`\`\`java\n${program}\`\`\``);
      const out = await java(["HeartRate", credentials], { WELLAPI_URL: server.grpc });
      expect(out).toBe(
        [
          "STATUS_ACCEPTED",
          "2026-04-14T08:00+02:00 72.0 /min",
          "2026-04-14T08:01+02:00 75.0 /min",
          "2026-04-14T08:02+02:00 74.5 /min",
          "",
        ].join("\n"),
      );
    });

    test("it writes and reads by certificate, key and OAuth, follows, verifies, and stays exact", async () => {
      const [exchange, alone] = await Promise.all([
        java(["AgainstExchange", join(credentials, "here.json")]),
        java(["Verified", join(root, "packages/merkle/test/golden")]),
      ]);
      const parts = [
        "byEachWay",
        "traces",
        "clinical",
        "progress",
        "refusals",
        "tokens",
        "watch",
        "flow",
        "log",
      ];
      expect(exchange.trim().split("\n")).toEqual(parts.map((part) => `ok ${part}`));
      const verified = ["checkpoints", "proofs", "successions", "webhooks", "decimals", "retries"];
      expect(alone.trim().split("\n")).toEqual(verified.map((part) => `ok ${part}`));
    });

    test("it behaves as every scenario says", async () => {
      const main = join(root, "sdk/conformance/src/main.ts");
      const out = await java(["JavaRunner", process.execPath, main]);
      const runs = readScenarios().reduce((sum, { over }) => sum + over.length, 0);
      expect(out.trim().split("\n").length).toBe(runs);
    });
  },
);
