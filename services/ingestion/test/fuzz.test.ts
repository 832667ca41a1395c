import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { ObservationSchema } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { type CodeDefinition, shippedTerminology } from "@wellapi/terminology";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { observationBatch, openIngestion, series, seriesBatch } from "./harness.ts";

/*
 * Items as nobody should send them: any field there or not, with values at the edges of the contract and far beyond. Each
 * gets an outcome, and its good neighbours are accepted, whatever it is.
 */

const { ACCEPTED, REJECTED } = ItemOutcome_Status;
const codes = shippedTerminology.codes.flatMap<CodeDefinition>((one) =>
  one.kind === "components" ? [one, ...one.components] : [one],
);
const texts = fc.oneof(
  fc.constantFrom(...codes.map(({ code }) => code)),
  fc.constantFrom(...new Set(codes.map(({ system }) => system)), "http://snomed.info/sct"),
  fc.constantFrom(...codes.flatMap((one) => (one.kind === "quantity" ? [one.unit] : []))),
  fc.constantFrom("6e1", "-70", "98.60", "9007199254740993", "0.0000000001", "NaN", "", "-0", "+1"),
  fc.constantFrom(
    "2016-04-12T08:00:00+02:00",
    "2016-04-12T08:00:00",
    "0000-00-00T00:00:00Z",
    "2016-02-30T24:61:61-99:99",
  ),
  fc.constantFrom("light", "rem", "lap", "error", "http://terminology.hl7.org/CodeSystem/data-absent-reason"),
  fc.constantFrom("constructor", "__proto__", "\u0000", "😀".repeat(201), "x".repeat(5_000)),
  fc.string({ unit: "binary" }),
);
const numbers = fc.oneof(
  fc.constantFrom(0, 1, -1, 2, 9, 10, 60, 72, 120, 2_000, 60_000, 2 ** 31 - 1, -(2 ** 31)),
  fc.integer(),
);
const unsigned = fc.oneof(fc.constantFrom(0, 1, 60_000, 2_678_400_001, 2 ** 32 - 1), fc.nat());
const wide = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 72n, 1_460_448_000n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);

function scalar(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return texts;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.UINT32:
      return unsigned;
    case ScalarType.UINT64:
      return wide.map((one) => (one < 0n ? -(one + 1n) : one));
    case ScalarType.INT64:
    case ScalarType.SINT64:
      return wide;
    default:
      return numbers;
  }
}

function fieldValue(field: DescField, depth: number): fc.Arbitrary<unknown> {
  switch (field.fieldKind) {
    case "message":
      return messageOf(field.message, depth - 1);
    case "enum":
      return fc.constantFrom(0, 1, 2, 3, 6, 7, 99, -1);
    case "list": {
      const item = field.listKind === "message" ? messageOf(field.message, depth - 1) : scalar(field.scalar!);
      // Long lists are of one small entry: they are there for their length.
      const small =
        field.listKind === "message"
          ? fc.constant<unknown>(create(field.message))
          : scalar(field.scalar!).filter((one) => typeof one !== "string" || one.length < 50);
      const long = fc
        .tuple(small, fc.constantFrom(9, 65, 257, 1_001))
        .map(([one, count]) => new Array<unknown>(count).fill(one));
      return fc.oneof({ weight: 9, arbitrary: fc.array(item, { maxLength: 3 }) }, long);
    }
    default:
      return scalar(field.scalar!);
  }
}

function messageOf(schema: DescMessage, depth: number): fc.Arbitrary<Message> {
  if (depth <= 0) return fc.constant(create(schema));
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of schema.fields) {
    if (field.oneof === undefined) fields[field.localName] = fieldValue(field, depth);
  }
  for (const { localName, fields: choices } of schema.oneofs) {
    fields[localName] = fc.oneof(
      ...choices.map((field) =>
        fc.record({ case: fc.constant(field.localName), value: fieldValue(field, depth) }),
      ),
    );
  }
  return fc.record(fields, { requiredKeys: [] }).map((values) => create(schema, values as never));
}

/** A good item with one part of it replaced: most rules need all else to be right. */
function nearly(schema: DescMessage, good: () => Record<string, unknown>): fc.Arbitrary<Message> {
  return fc
    .constantFrom(...schema.fields)
    .chain((field) => fieldValue(field, 4).map((value) => [field, value] as const))
    .map(([field, value]) => {
      const name = field.oneof?.localName ?? field.localName;
      const part = field.oneof === undefined ? value : { case: field.localName, value };
      return create(schema, { ...good(), [name]: part } as never);
    });
}

/** Resolves with the outcomes; a call that fails fails the test. */
function judged(kind: "series" | "observations", items: readonly unknown[], requestId: string) {
  return opened.then(async ({ client }) => {
    const { receipt } =
      kind === "series"
        ? await client.createSeries({ batch: seriesBatch(requestId, { series: items as never }) })
        : await client.createObservations({
            batch: observationBatch(requestId, { observations: items as never }),
          });
    return receipt!.items;
  });
}
const opened = openIngestion();
const [goodObservation] = observationBatch("x").observations!;

describe.each([
  ["series", SeriesSchema as DescMessage, () => series()],
  ["observations", ObservationSchema as DescMessage, () => goodObservation!],
] as const)("any %s", (kind, schema, good) => {
  it("get outcomes of their own, and cost their neighbours nothing", async () => {
    let calls = 0;
    let rejected = 0;
    const item = fc.oneof(messageOf(schema, 5), nearly(schema, good as () => Record<string, unknown>));
    await fc.assert(
      fc.asyncProperty(item, async (broken) => {
        const outcomes = await judged(kind, [good(), broken, good()], `fuzz-${kind}-${calls++}`);
        expect([outcomes[0]!.status, outcomes[2]!.status]).toEqual([ACCEPTED, ACCEPTED]);
        const { status, violations } = outcomes[1]!;
        expect([ACCEPTED, REJECTED]).toContain(status);
        if (status === ACCEPTED) return;
        rejected++;
        expect(violations.length).toBeGreaterThan(0);
        for (const { field, reason, description } of violations) {
          expect(field.startsWith(`${kind}[1]`)).toBe(true);
          expect(reason).toMatch(/^[A-Z0-9_]+$/);
          expect(description.length).toBeGreaterThan(10);
        }
      }),
      { numRuns: 1_500 },
    );
    expect(rejected).toBeGreaterThan(500);
  });
});
