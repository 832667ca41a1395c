import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const rows = readFileSync(`${root}docs/security.md`, "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/\| shown by \|$/.test(line));

test("each row of docs/security.md names a test, and each test that it names is there", () => {
  expect(rows.length).toBeGreaterThan(30);
  const named = rows.map((row) => [...row.matchAll(/`([\w/.-]+\.test\.ts)`/g)].map(([, path]) => path!));
  expect(rows.filter((_row, index) => named[index]!.length === 0)).toEqual([]);
  expect(named.flat().filter((path) => !existsSync(root + path))).toEqual([]);
});

test("the table has every risk of OWASP's list, and every paragraph of 164.312", () => {
  const first = rows.map((row) => row.slice(2).split(" ")[0]);
  const risks = Array.from({ length: 10 }, (_, index) => `API${index + 1}`);
  const paragraphs = [
    "(a)(1)",
    "(a)(2)(i)",
    "(a)(2)(ii)",
    "(a)(2)(iii)",
    "(a)(2)(iv)",
    "(b)",
    "(c)(1)",
    "(c)(2)",
  ];
  const ends = ["(d)", "(e)(1)", "(e)(2)(i)", "(e)(2)(ii)"];
  expect(first).toEqual(expect.arrayContaining([...risks, ...paragraphs, ...ends]));
});
