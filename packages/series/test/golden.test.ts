import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decodeBlock } from "../src/index.ts";
import { goldenColumns } from "./golden/cases.ts";

const folder = new URL("golden/", import.meta.url);

test("every committed block has its case", () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".hex"));
  expect(files.sort()).toEqual(
    Object.keys(goldenColumns)
      .map((name) => `${name}.hex`)
      .sort(),
  );
});

test.each(Object.entries(goldenColumns))("%s still opens", (name, columns) => {
  const bytes = Buffer.from(readFileSync(new URL(`${name}.hex`, folder), "utf8").trim(), "hex");
  expect(decodeBlock(bytes)).toEqual(columns);
});
