import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createProgressLines } from "../src/output.ts";

const source = fileURLToPath(new URL("../src/", import.meta.url));
/** The process's own are given as `Io` by these, and by nothing else. */
const given = new Set(["main.ts", "io.ts"]);

test("no command touches the process: what it says goes through Output, what it is told comes from Io", () => {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  expect(files.length).toBeGreaterThan(20);
  const touching = files
    .filter((file) => !given.has(file))
    .flatMap((file) =>
      readFileSync(source + file, "utf8")
        .split("\n")
        .map((line, i) => `${file}:${i + 1}: ${line.trim()}`),
    )
    .filter((line) => /\b(process|globalThis)\s*[.[]|\bconsole\.|from "node:process"/.test(line));
  expect(touching).toEqual([]);
});

test("without a terminal an upload tells its progress at most every five seconds", () => {
  let now = 0;
  const lines: string[] = [];
  const bar = createProgressLines(
    (line) => lines.push(line),
    20_000,
    () => now,
  );
  for (let n = 0; n < 20; n++) {
    now += 1_000;
    bar.increment(1_000);
  }
  expect(lines).toEqual([
    "5000 of 20000 samples (25 %)",
    "10000 of 20000 samples (50 %)",
    "15000 of 20000 samples (75 %)",
    "20000 of 20000 samples (100 %)",
  ]);
});
