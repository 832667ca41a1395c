import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openTerminology, shippedTerminology, TerminologyError } from "../src/index.ts";

async function folderOf(files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-terminology-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return folder;
}

const lactate = {
  system: "http://loinc.org",
  code: "2524-7",
  display: "Lactate [Moles/volume] in Serum or Plasma",
  kind: "quantity",
  unit: "mmol/L",
  plausible: { low: "0", high: "60", source: "a test" },
  source: "a test",
};

/** The lines of what is wrong. */
async function problemsOf(files: Readonly<Record<string, unknown>>): Promise<string[]> {
  const error = await openTerminology(await folderOf(files)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(TerminologyError);
  expect((error as TerminologyError).code).toBe("invalid_data");
  return (error as TerminologyError).message
    .split("\n")
    .slice(1)
    .map((line) => line.trim());
}

describe("what an installation adds", () => {
  test("is known beside what is shipped, which is as it was", async () => {
    const folder = await folderOf({
      "1-codes.json": { title: "ours", codes: [lactate] },
      "2-sets.json": {
        sets: [
          { category: "sports", version: 1, codes: ["2524-7"] },
          { category: "glucose", version: 2, codes: ["2339-0", "15074-8", "2524-7"] },
        ],
      },
      "README.txt": "no document",
    });
    const terminology = await openTerminology(folder);
    expect(terminology.findCode("2524-7")).toMatchObject({ unit: "mmol/L" });
    expect(terminology.isInCategory("2524-7", "glucose", 2)).toBe(true);
    expect(terminology.isInCategory("2524-7", "glucose", 1)).toBe(false);
    expect(terminology.categoriesOf("2524-7")).toEqual(["glucose", "sports"]);
    expect([...terminology.codesOf("heart", 1)]).toEqual([...shippedTerminology.codesOf("heart", 1)]);
    expect(shippedTerminology.findCode("2524-7")).toBeUndefined();
  });

  test("cannot change what is published", async () => {
    expect(
      await problemsOf({
        "edit.json": {
          codes: [{ ...lactate, code: "8867-4", display: "Hart rate" }],
          sets: [{ category: "heart", version: 1, codes: ["8867-4", "8310-5"] }],
        },
      }),
    ).toEqual([
      "the code 8867-4 is defined twice: what is published is never changed",
      "heart version 1 is defined twice: what is published is never changed",
    ]);
  });

  test("is refused with all that is wrong with it", async () => {
    const problems = await problemsOf({
      "a.json": "{",
      "b.json": {
        surprise: 1,
        codes: [
          { ...lactate, code: "2524-8" },
          { ...lactate, plausible: { low: "9", high: "1", source: "x" } },
          { ...lactate, kind: "guess" },
          { ...lactate, source: "" },
        ],
        sets: [
          { category: "Sports", version: 1, codes: ["8867-4"] },
          { category: "sports", version: 2, codes: ["8867-4"] },
          { category: "strange", version: 1, codes: ["1-8"] },
        ],
      },
    });
    expect(problems).toEqual([
      "a.json: is no JSON object",
      "b.json: surprise is not known",
      "b.json: codes[0] 2524-8 has not the check digit of a LOINC code",
      "b.json: codes[1] plausible low must be less than high",
      expect.stringContaining("b.json: codes[2] kind must be one of"),
      "b.json: codes[3] source must say where it is from",
      "b.json: sets[0] category must be lower-case letters and underscores, 2 to 32",
      "strange version 1 lists 1-8, which is not defined",
      "sports has a version 2 but no 1",
    ]);
  });

  test("has units that convert", async () => {
    expect(await problemsOf({ "a.json": { codes: [{ ...lactate, unit: "mmol/liter" }] } })).toEqual([
      "the unit mmol/liter of 2524-7 is not UCUM or cannot be converted",
    ]);
  });

  test("is not looked for where nothing is named, and must be there where it is", async () => {
    expect(await openTerminology(undefined)).toBe(shippedTerminology);
    await expect(openTerminology("/nowhere/terminology")).rejects.toThrow("cannot be read");
  });
});
