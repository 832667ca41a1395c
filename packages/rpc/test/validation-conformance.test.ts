/**
 * The validator has each of protovalidate's rules twice: in CEL, as the rules are defined, and in JavaScript, which is what
 * runs. Both must say the same of every request of every contract, and so must what callers are told.
 */
import { globSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { DescFile, DescMessage, Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type ValidationResult } from "@bufbuild/protovalidate";
import { ObservationSchema } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { validateMessage } from "../src/index.ts";
import { type Fields, goodMessage, nodesOf, put, valuesAround } from "./request-messages.ts";

const validator = createValidator();
const byDefinition = createValidator({ disableNativeRules: true });

/** What a call may carry, of every service, public and internal; and the items that batches leave to be judged alone. */
const schemas = new Map<string, DescMessage>(
  [SeriesSchema, ObservationSchema].map((schema) => [schema.typeName, schema]),
);
const gen = join(import.meta.dirname, "../../../gen");
for (const file of globSync("wellapi/**/*_service_pb.js", { cwd: gen })) {
  const module = (await import(pathToFileURL(join(gen, file)).href)) as Record<string, unknown>;
  for (const value of Object.values(module)) {
    if ((value as { kind?: string } | null)?.kind !== "file") continue;
    for (const { methods } of (value as DescFile).services) {
      for (const { input } of methods) schemas.set(input.typeName, input);
    }
  }
}
const depth = 3;
/** As many as the largest oneof inside has choices. */
function variants(schema: DescMessage): number {
  const nodes = nodesOf(schema, goodMessage(schema, 0, depth) as unknown as Fields);
  return Math.max(1, ...nodes.flatMap(([{ oneofs }]) => oneofs.map(({ fields }) => fields.length)));
}

function verdict(result: ValidationResult): readonly string[] {
  if (result.kind === "error") throw result.error;
  if (result.kind === "valid") return [];
  return result.violations.map(({ field, ruleId, message }) => `${pathToString(field)} ${ruleId} ${message}`);
}

/** Fails where the two differ, or a caller is told something else. Says how many rules are broken. */
function compare(schema: DescMessage, message: Message): number {
  const expected = verdict(byDefinition.validate(schema, message));
  expect(verdict(validator.validate(schema, message)), schema.typeName).toEqual(expected);
  const told = validateMessage(schema, message);
  expect(told === undefined, schema.typeName).toBe(expected.length === 0);
  const alone = told?.violations?.length === 1 && told.violations[0]!.reason === "REPEATED_MAX_ITEMS";
  if (told !== undefined && !alone) {
    const fields = expected.slice(0, 50).map((violation) => violation.slice(0, violation.indexOf(" ")));
    expect(told.violations?.map(({ field }) => field)).toEqual(fields);
  }
  return expected.length;
}

/** A field is tried in this many places, for the message around it may ignore what it breaks. */
const places = 2;
const times = new Map<string, number>();

describe.each([...schemas])("%s", (_name, schema) => {
  const good = (choice: number) => goodMessage(schema, choice, depth);

  test("keeps its rules where it is good, and each value at a limit is judged alike", () => {
    for (let choice = 0; choice < variants(schema); choice++) {
      expect(verdict(byDefinition.validate(schema, good(choice)))).toEqual([]);
      expect(validateMessage(schema, good(choice))).toBeUndefined();
      for (const [at, [holder]] of nodesOf(schema, good(choice) as unknown as Fields).entries()) {
        for (const field of holder.fields) {
          const place = `${holder.typeName}.${field.name}`;
          const seen = times.get(place) ?? 0;
          if (seen >= places) continue;
          times.set(place, seen + 1);
          for (const value of valuesAround(field)) {
            const message = good(choice);
            const [, node] = nodesOf(schema, message as unknown as Fields)[at]!;
            put(node, field, value);
            compare(schema, message);
          }
        }
      }
    }
  }, 60_000);
});

test("several changes at once are judged alike", () => {
  const all = [...schemas.values()].filter(({ fields }) => fields.length > 0);
  let [valid, invalid] = [0, 0];
  fc.assert(
    fc.property(
      fc.nat(all.length - 1),
      fc.nat(3),
      fc.array(fc.tuple(fc.nat(1_000), fc.nat(1_000), fc.nat(1_000)), { minLength: 1, maxLength: 5 }),
      (index, choice, changes) => {
        const schema = all[index]!;
        const message = goodMessage(schema, choice, depth);
        for (const [at, which, value] of changes) {
          const nodes = nodesOf(schema, message as unknown as Fields);
          const [holder, node] = nodes[at % nodes.length]!;
          const field = holder.fields[which % Math.max(1, holder.fields.length)];
          if (field === undefined) continue;
          const values = valuesAround(field);
          put(node, field, values[value % values.length]);
        }
        if (compare(schema, message) > 0) invalid++;
        else valid++;
      },
    ),
    { numRuns: 1_000 },
  );
  expect(valid).toBeGreaterThan(100);
  expect(invalid).toBeGreaterThan(100);
}, 60_000);
