/** What a short call loads: most of its CPU is the loading. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
/** Tells each file that is loaded, one a line, on stderr. */
const telling = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  import { writeSync } from "node:fs";
  registerHooks({ load(url, context, next) { writeSync(2, "loaded " + url + "\\n"); return next(url, context); } });
`)}`;

function loadedBy(...parameters: string[]): string[] {
  const env = { PATH: process.env.PATH, WELLAPI_URL: "http://127.0.0.1:1", WELLAPI_API_KEY: "wak_test" };
  const { stderr } = spawnSync(process.execPath, ["--import", telling, main, ...parameters], {
    env,
    encoding: "utf8",
  });
  return stderr.split("\n").filter((line) => line.startsWith("loaded "));
}

test("a call loads its own command, and neither the host nor libraries of others", {
  timeout: 60_000,
}, () => {
  const loaded = loadedBy("organization", "list");
  expect(loaded.filter((url) => url.includes("/cli/src/commands/"))).toEqual([
    expect.stringMatching(/organization\.ts$/),
    // A part of it.
    expect.stringMatching(/verification\.ts$/),
  ]);
  const others =
    /\/(host|services)\/|\/(pino|temporal-polyfill|csv-parse|@peculiar|lru-cache|fastify|@opentelemetry)\//;
  expect(loaded.filter((url) => others.test(url))).toEqual([]);
});
