import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import {
  StreamObservationsRequestSchema,
  StreamSeriesRequestSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { AppendRequestSchema } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import {
  AppendObservationsRequestSchema,
  AppendSeriesRequestSchema,
} from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import {
  AggregateSeriesRequestSchema,
  QuerySeriesRequestSchema,
  ReadSeriesRequestSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { ObservationSchema } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { certainlyValid } from "../src/checks/quick-check.ts";

const validator = createValidator();

/** Values at the edges of the contract's rules, and what breaks them. */
const texts = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("a", "8867-4", "/min", "72", "-72.5", "r-1", "heart") },
  fc.constantFrom("", "ä ö", "😀", "72.", "007", "1e3", "2016-04-12T08:00:00", "2016-04-12T08:00:00.1234\n"),
  fc.constantFrom(63, 64, 65, 127, 128, 129, 256, 257).map((length) => "x".repeat(length)),
  fc.constantFrom(64, 128, 256).map((length) => "😀".repeat(length)),
);
const integers = fc.constantFrom(0, 1, -1, 9, 10, 1_000, 1_001, 60_000, 2_678_400_000, 2_678_400_001);

function scalar(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return texts;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.constantFrom(0, 16, 31, 32, 33).map((length) => new Uint8Array(length));
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return integers.map(BigInt);
    default:
      return integers;
  }
}

function arbitraryOf(field: DescField, depth: number): fc.Arbitrary<unknown> {
  switch (field.fieldKind) {
    case "message":
      return messageOf(field.message, depth - 1);
    case "enum":
      return fc.constantFrom(0, 1, 2, 99);
    case "scalar":
      return scalar(field.scalar);
    case "list": {
      const item =
        field.listKind === "message"
          ? messageOf(field.message, depth - 1)
          : field.listKind === "enum"
            ? fc.constantFrom(0, 1, 99)
            : scalar(field.scalar);
      return fc.oneof({ weight: 8, arbitrary: fc.array(item, { maxLength: 3 }) }, manyOf(item));
    }
    case "map":
      return fc.constant({});
  }
}

/** Around the limits of lists. */
function manyOf(item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown[]> {
  return fc
    .tuple(item, fc.constantFrom(64, 65, 256, 257))
    .map(([one, count]) => new Array<unknown>(count).fill(one));
}

function messageOf(schema: DescMessage, depth: number): fc.Arbitrary<Message> {
  if (depth <= 0) return fc.constant(create(schema));
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of schema.fields) {
    if (field.oneof === undefined) fields[field.localName] = arbitraryOf(field, depth);
  }
  for (const { localName, fields: choices } of schema.oneofs) {
    fields[localName] = fc.oneof(
      ...choices.map((field) =>
        fc.record({ case: fc.constant(field.localName), value: arbitraryOf(field, depth) }),
      ),
    );
  }
  return fc.record(fields, { requiredKeys: [] }).map((values) => create(schema, values as never));
}

type Fields = Record<string, unknown>;

/** Every message inside, with its schema. */
function nodesOf(schema: DescMessage, message: Fields): (readonly [DescMessage, Fields])[] {
  const inside = schema.fields.flatMap((field) => {
    if (field.message === undefined) return [];
    const chosen = field.oneof && (message[field.oneof.localName] as { case?: string; value?: unknown });
    const held =
      chosen === undefined ? message[field.localName] : chosen.case === field.localName && chosen.value;
    const list = (Array.isArray(held) ? held : [held]) as (Fields | undefined | false)[];
    return list.flatMap((one) => (one ? nodesOf(field.message as DescMessage, one) : []));
  });
  return [[schema, message], ...inside];
}

/** A good message with a field or two changed, anywhere in it: most stay good, or break one rule. */
function nearly(schema: DescMessage, good: () => Message): fc.Arbitrary<Message> {
  const change = fc.nat(1_000).chain((place) => {
    const nodes = nodesOf(schema, good() as unknown as Fields);
    const [at, field] = [place % nodes.length, Math.floor(place / nodes.length)];
    const { fields } = nodes[at]![0];
    const changed = fields[field % fields.length]!;
    return arbitraryOf(changed, 2).map((value) => ({ at, changed, value }));
  });
  return fc.array(change, { maxLength: 2 }).map((changes) => {
    const message = good();
    for (const { at, changed, value } of changes) {
      const [holder, node] = nodesOf(schema, message as unknown as Fields)[at] ?? [];
      if (node === undefined || holder !== changed.parent) continue;
      if (changed.oneof === undefined) node[changed.localName] = value;
      else node[changed.oneof.localName] = { case: changed.localName, value };
    }
    return message;
  });
}

const batch = { requestId: "r-1", patient: "pat_1" };
const device = { identifier: "d", model: "Charge HR" };
const start = { case: "startTime" as const, value: { seconds: 1_460_448_000n } };
const series = {
  code: { code: "8867-4" },
  unit: "/min",
  device,
  times: { start, spacing: { case: "gaps" as const, value: { gapsMs: [5_000] } } },
  values: { case: "decimals" as const, value: { scale: 0, mantissas: [72, 73] } },
};
const observation = {
  code: { code: "8867-4" },
  effective: { case: "effectiveTime" as const, value: { seconds: 1_460_448_000n } },
  value: { case: "quantity" as const, value: { value: "72", unit: "/min" } },
  device,
};

const leaf = { id: "acc_1", partition: "local/pat_1", nonce: new Uint8Array(32), body: new Uint8Array(80) };

const batches = [
  StreamSeriesRequestSchema,
  AppendSeriesRequestSchema,
  StreamObservationsRequestSchema,
  AppendObservationsRequestSchema,
].map((schema) => {
  const items = schema.name.includes("Series") ? { series: [series] } : { observations: [observation] };
  const passedOn = schema.name.startsWith("Append")
    ? {
        method: `wellapi.ingestion.v1.IngestionService/Create${schema.name.includes("Series") ? "Series" : "Observations"}`,
      }
    : {};
  const good = (): Message =>
    create(schema as DescMessage, { ...passedOn, batch: { ...batch, ...items } } as never);
  return [schema.name, schema as DescMessage, good] as const;
});
const leaves = () => create(AppendRequestSchema, { leaves: [leaf] });

const question = {
  patient: "pat_1",
  code: { code: "8867-4" },
  purpose: 1,
  interval: { startTime: { seconds: 1_460_448_000n }, endTime: { seconds: 1_491_984_000n } },
};
const reads = [ReadSeriesRequestSchema, QuerySeriesRequestSchema, AggregateSeriesRequestSchema].map(
  (schema) => {
    const good = (): Message =>
      create(schema as DescMessage, { ...question, bucketSize: 1, digits: 1 } as never);
    return [schema.name, schema as DescMessage, good] as const;
  },
);
const sent = [
  ...batches,
  [AppendRequestSchema.name, AppendRequestSchema as DescMessage, leaves] as const,
  ...reads,
];

describe("certainlyValid", () => {
  it.each(sent)("says yes to %s as it is sent all day", (_name, schema, good) => {
    expect(validator.validate(schema, good()).kind).toBe("valid");
    expect(certainlyValid(schema, good())).toBe(true);
  });

  it.each(sent)("says yes to no %s that the validator refuses", (_name, schema, good) => {
    let yes = 0;
    let refused = 0;
    fc.assert(
      fc.property(nearly(schema, good), (message) => {
        const { kind } = validator.validate(schema, message);
        if (kind === "invalid") refused++;
        if (!certainlyValid(schema, message)) return;
        yes++;
        expect(kind).toBe("valid");
      }),
      { numRuns: 5_000 },
    );
    expect(yes).toBeGreaterThan(200);
    expect(refused).toBeGreaterThan(200);
  });

  /** Items of a batch get outcomes of their own, so no rule of theirs, nor of what is in them, refuses the batch. */
  it.each(batches)(
    "asks no rule of the items of %s, and neither does the validator",
    (_name, schema, good) => {
      const list = schema.name.includes("Series") ? "series" : "observations";
      const item = list === "series" ? SeriesSchema : ObservationSchema;
      fc.assert(
        fc.property(fc.array(messageOf(item, 4), { minLength: 1, maxLength: 3 }), (items) => {
          const message = good() as unknown as { batch: Record<string, unknown> };
          message.batch[list] = items;
          expect(validator.validate(schema, message as never).kind).toBe("valid");
          expect(certainlyValid(schema, message as never)).toBe(true);
        }),
        { numRuns: 500 },
      );
    },
  );

  it("knows how long a list may be", () => {
    const request = (count: number) =>
      create(StreamSeriesRequestSchema, { batch: { ...batch, series: new Array(count).fill(series) } });
    expect(certainlyValid(StreamSeriesRequestSchema, request(64))).toBe(true);
    expect(certainlyValid(StreamSeriesRequestSchema, request(65))).toBe(false);
    expect(certainlyValid(StreamSeriesRequestSchema, request(0))).toBe(false);
  });
});
