import { entryRules } from "@wellapi/access-log";
import { expect, test } from "vitest";
import { contractFiles, methodsOf } from "./descriptors.ts";

test("each RPC of the contracts, internal ones too, has a decision on whether its calls leave an entry", async () => {
  const declared = methodsOf(await contractFiles()).map(({ parent, name }) => `${parent.typeName}/${name}`);
  const decided = Object.entries(entryRules).flatMap(([service, methods]) =>
    Object.keys(methods).map((method) => `${service}/${method}`),
  );
  expect(decided.sort()).toEqual(declared.sort());
});

test("an RPC whose request or answer names a patient leaves an entry, or says why not", async () => {
  const silent = methodsOf(await contractFiles())
    .filter(({ input, output }) =>
      [input, output].some(({ fields }) => fields.some(({ name }) => name === "patient")),
    )
    .filter(({ parent, name }) => {
      const rule = entryRules[parent.typeName]![name]!;
      return "none" in rule && /names no person/.test(rule.none);
    });
  expect(silent.map(({ parent, name }) => `${parent.typeName}/${name}`)).toEqual([]);
});
