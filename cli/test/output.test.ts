import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

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
