/** Request messages of the contracts: good ones, and values at and beyond each limit of a field. */
import {
  create,
  type DescField,
  type DescMessage,
  getOption,
  isFieldSet,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import {
  type FieldRules,
  FieldRulesSchema,
  field as fieldRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import fc from "fast-check";

export type Fields = Record<string, unknown>;

/** The limits that a field has, by name, like `maxLen`. */
type Limits = ReadonlyMap<string, unknown>;

const longs: ReadonlySet<ScalarType | undefined> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);

function rulesOf(field: DescField): FieldRules {
  return getOption(field, fieldRules);
}

function limitsOf({ type }: FieldRules): Limits {
  const limits = new Map<string, unknown>();
  const schema = FieldRulesSchema.fields.find(({ localName }) => localName === type.case)?.message;
  const rules = type.value as unknown as Fields | undefined;
  for (const field of schema?.fields ?? []) {
    if (!isFieldSet(rules as unknown as Message, field)) continue;
    const value = field.oneof
      ? (rules?.[field.oneof.localName] as Fields | undefined)?.value
      : rules?.[field.localName];
    limits.set(field.localName, value);
  }
  return limits;
}

function itemRules(field: DescField): FieldRules {
  const { type } = rulesOf(field);
  return (type.case === "repeated" ? type.value.items : undefined) ?? create(FieldRulesSchema);
}

/** A message that keeps every rule, with its fields set as deep as `depth`. `choice`: which one of each oneof. */
export function goodMessage(schema: DescMessage, choice: number, depth: number): Message {
  const values: Fields = {};
  for (const field of schema.fields) {
    // One of its columns only (series.proto).
    if (schema.name === "Decimals" && field.name !== "mantissas") continue;
    if (field.oneof === undefined) values[field.localName] = goodValue(field, choice, depth);
  }
  for (const { localName, fields } of schema.oneofs) {
    const field = fields[choice % fields.length]!;
    const value = goodValue(field, choice, depth);
    if (value !== undefined) values[localName] = { case: field.localName, value };
  }
  return create(schema, values as never);
}

function goodValue(field: DescField, choice: number, depth: number): unknown {
  switch (field.fieldKind) {
    case "map":
      return {};
    case "list": {
      const least = Number(limitsOf(rulesOf(field)).get("minItems") ?? 0n);
      if (field.message !== undefined && depth <= 0 && least === 0) return [];
      const item = field.message ? goodChild(field, choice, depth) : goodScalar(field, itemRules(field));
      return new Array<unknown>(Math.max(1, least)).fill(item);
    }
    case "message":
      return depth > 0 || rulesOf(field).required ? goodChild(field, choice, depth) : undefined;
    default:
      return goodScalar(field, rulesOf(field));
  }
}

function goodChild(field: DescField, choice: number, depth: number): Message {
  const schema = field.message!;
  if (schema.typeName === "google.protobuf.Timestamp") {
    return create(schema, { seconds: field.name.startsWith("end") ? 2_000n : 1_000n } as never);
  }
  if (schema.typeName === "google.protobuf.Duration") {
    const least = (limitsOf(rulesOf(field)).get("gte") as { seconds?: bigint } | undefined)?.seconds ?? 0n;
    return create(schema, { seconds: least > 60n ? least : 60n } as never);
  }
  return goodMessage(schema, choice, depth - 1);
}

const noticeUri = "https://clinic.example/notice";

function goodScalar(field: DescField, rules: FieldRules): unknown {
  const limits = limitsOf(rules);
  // Its rule is an expression, from which no value can be made (consent.proto, oauth.proto).
  if (rules.cel.some(({ id }) => /notice[._]uri$/.test(id))) return noticeUri;
  if (field.enum !== undefined) {
    if (limits.has("in")) return (limits.get("in") as number[])[0];
    const refused = (limits.get("notIn") ?? []) as number[];
    const numbers = field.enum.values.map(({ number }) => number);
    return numbers.find((number) => number !== 0 && !refused.includes(number)) ?? 0;
  }
  switch (field.scalar) {
    case ScalarType.STRING: {
      if (limits.has("in")) return (limits.get("in") as string[])[0];
      if (limits.has("uri")) return "urn:x";
      if (limits.has("email")) return "participant@example.com";
      if (limits.has("prefix"))
        return `${limits.get("prefix")}x`.padEnd(Number(limits.get("minLen") ?? 0n), "x");
      if (limits.has("uuid")) return "0b9f6a52-6a3f-4c8e-9d1f-3f1b1f0c8a11";
      if (limits.has("pattern")) return matching(limits.get("pattern") as string)[0];
      return "x".repeat(Math.max(1, Number(limits.get("minLen") ?? 0n)));
    }
    case ScalarType.BYTES:
      return new Uint8Array(Number(limits.get("len") ?? limits.get("minLen") ?? 1n));
    case ScalarType.BOOL:
      // Not beside a filter (audit_service.proto).
      return field.parent.name !== "ListAccessesRequest" || field.name !== "show_total_size";
    default: {
      // Not where it begins (notices.proto).
      if (field.parent.name === "QuietHours" && field.name === "end_minute") return 1;
      const value = (limits.get("gte") ?? 1) as number | bigint;
      return longs.has(field.scalar) ? BigInt(value) : Number(value);
    }
  }
}

const texts = new Map<string, string[]>();

function matching(pattern: string): string[] {
  const known = texts.get(pattern);
  if (known !== undefined) return known;
  const found = fc.sample(fc.stringMatching(new RegExp(pattern, "u")), { seed: 1, numRuns: 3 });
  texts.set(pattern, found);
  return found;
}

/** Values at and beyond each limit of the field, and none. */
export function valuesAround(field: DescField): unknown[] {
  const limits = limitsOf(rulesOf(field));
  switch (field.fieldKind) {
    case "map":
      return [{}];
    case "list": {
      const counts = around([limits.get("minItems"), limits.get("maxItems")]).filter(
        (n) => n >= 0 && n <= 300,
      );
      const items = field.message
        ? [create(field.message), goodChild(field, 0, 1)]
        : scalarsAround(field, itemRules(field));
      const good = field.message ? items[1] : goodScalar(field, itemRules(field));
      return [
        [],
        [good, good], // what must be unique is not
        ...counts.map((count) => new Array<unknown>(count).fill(good)),
        ...items.map((item) => [item]),
      ];
    }
    case "message":
      return [undefined, create(field.message), ...instantsAround(field.message)];
    default:
      return scalarsAround(field, rulesOf(field));
  }
}

function instantsAround(schema: DescMessage): Message[] {
  if (!/^google.protobuf.(Timestamp|Duration)$/.test(schema.typeName)) return [];
  const seconds = [-1n, 0n, 1n, 1_000n, 1_001n, 2_000n, 86_400n * 400n, 253_402_300_800n];
  return [
    ...seconds.map((value) => create(schema, { seconds: value } as never)),
    create(schema, { seconds: 1n, nanos: 1_000_000_000 } as never),
    create(schema, { seconds: 1_000n, nanos: 1 } as never),
  ];
}

function scalarsAround(field: DescField, rules: FieldRules): unknown[] {
  const limits = limitsOf(rules);
  if (field.enum !== undefined) return [0, ...field.enum.values.map(({ number }) => number), 999, -1];
  const lengths = (): number[] =>
    around([limits.get("len"), limits.get("minLen"), limits.get("maxLen")]).filter(
      (n) => n >= 0 && n < 70_000,
    );
  switch (field.scalar) {
    case ScalarType.STRING: {
      const pattern = limits.get("pattern") as string | undefined;
      const fitting = pattern === undefined ? [] : matching(pattern);
      return [
        ...["", "x", "ä ö", "72.", "1e3", "-1.5", "a\nb", "0B9F6A52-6A3F-4C8E-9D1F-3F1B1F0C8A11"],
        ...[noticeUri, noticeUri.replace("https", "http"), "https://"],
        ...lengths().flatMap((length) => ["x".repeat(length), "😀".repeat(length), "1".repeat(length)]),
        ...fitting.flatMap((text) => [text, `${text}\n`, `\n${text}`, `${text}!`, ` ${text}`]),
      ];
    }
    case ScalarType.BYTES:
      return [0, 1, ...lengths()].map((length) => new Uint8Array(length));
    case ScalarType.BOOL:
      return [false, true];
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return [0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY];
    default: {
      const unsigned = [ScalarType.UINT32, ScalarType.UINT64].includes(field.scalar as ScalarType);
      const edges = ["gte", "gt", "lte", "lt", "const"].map((name) => limits.get(name));
      const values = [0, 1, -1, ...around(edges)].filter((value) => !unsigned || value >= 0);
      return longs.has(field.scalar) ? values.map(BigInt) : values;
    }
  }
}

/** Each number, the one below and the one above. */
function around(numbers: readonly unknown[]): number[] {
  return numbers.filter((n) => n !== undefined).flatMap((n) => [Number(n) - 1, Number(n), Number(n) + 1]);
}

/** Every message inside, with its schema. */
export function nodesOf(schema: DescMessage, message: Fields): (readonly [DescMessage, Fields])[] {
  const inside = schema.fields.flatMap((field) => {
    if (field.message === undefined || field.fieldKind === "map") return [];
    const chosen = field.oneof && (message[field.oneof.localName] as { case?: string; value?: unknown });
    const held =
      chosen === undefined ? message[field.localName] : chosen.case === field.localName && chosen.value;
    const first = (Array.isArray(held) ? held[0] : held) as Fields | undefined | false;
    return first ? nodesOf(field.message, first) : [];
  });
  return [[schema, message], ...inside];
}

/** Puts the value into the message that holds the field. */
export function put(holder: Fields, field: DescField, value: unknown): void {
  if (field.oneof === undefined) holder[field.localName] = value;
  else if (value === undefined) holder[field.oneof.localName] = { case: undefined };
  else holder[field.oneof.localName] = { case: field.localName, value };
}
