import { expect, test } from "vitest";
import { createDamageReporter, createLogger } from "../src/index.ts";

function reporting(most?: number) {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    name: "test",
    env: {},
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  const reporter = createDamageReporter({ store: "records", log, ...(most === undefined ? {} : { most }) });
  const report = (key: string, what = "its seal does not open") =>
    reporter.report({ collection: "blocks", document: ["local/pat_1", key, "0"], what }, new Error("no"));
  return { lines, report };
}

test("each document is told once, with where it lies", () => {
  const { lines, report } = reporting();
  report("bat_1");
  report("bat_1");
  report("bat_2");
  expect(lines.map(({ document }) => document)).toEqual(["local/pat_1 bat_1 0", "local/pat_1 bat_2 0"]);
  expect(lines[0]).toMatchObject({
    level: "error",
    service: "records",
    collection: "blocks",
    reason: "its seal does not open",
  });
  expect(lines[0]).not.toHaveProperty("dropped");
});

test("what it remembers is bounded: the one that was met first is told again", () => {
  const { lines, report } = reporting(2);
  for (const key of ["a", "b", "c", "c", "a"]) report(key);
  expect(lines.map(({ document }) => String(document).split(" ")[1])).toEqual(["a", "b", "c", "a"]);
});
