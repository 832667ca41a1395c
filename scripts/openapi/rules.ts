/** What protovalidate's rules say of a value, as keywords of JSON Schema 2020-12, and in words where it has none. */
import { type DescEnum, isFieldSet, ScalarType } from "@bufbuild/protobuf";
import {
  type BytesRules,
  type DurationRules,
  type EnumRules,
  type FieldRules,
  FieldRulesSchema,
  Ignore,
  type MapRules,
  type RepeatedRules,
  type StringRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Ruled {
  readonly keywords: JsonSchema;
  /** Sentences, for what no keyword says. */
  readonly notes: readonly string[];
  /** Whether the type's zero value breaks them, so that a field without presence must be sent. */
  readonly refusesZero: boolean;
}

export class OpenApiError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "OpenApiError";
  }
}

const none: Ruled = { keywords: {}, notes: [], refusesZero: false };

/** How ProtoJSON writes 64-bit integers: as text, which has no bounds in JSON Schema. */
export const wideIntegers: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.SINT64,
  ScalarType.SFIXED64,
  ScalarType.UINT64,
  ScalarType.FIXED64,
]);

/** Per kind, the rules that are translated. Any other one stops the generator: the document would promise too much. */
const translated: Readonly<Record<string, readonly string[]>> = {
  string: [
    "min_len",
    "max_len",
    "max_bytes",
    "len",
    "pattern",
    "prefix",
    "in",
    "const",
    "uuid",
    "email",
    "uri",
    "hostname",
  ],
  bytes: ["min_len", "max_len", "len"],
  enum: ["defined_only", "in", "not_in"],
  repeated: ["min_items", "max_items", "unique", "items"],
  map: ["min_pairs", "max_pairs", "keys", "values"],
  duration: ["lt", "lte", "gt", "gte"],
};
const ofNumbers = ["lt", "lte", "gt", "gte"];
const numbers = /^(float|double|s?u?int(32|64)|s?fixed(32|64))$/;

/**
 * Of a field, or of the items, keys or values of one (`where` names it in errors).
 * @throws OpenApiError for a rule without a translation.
 */
export function ruled(rules: FieldRules, where: string, enumeration?: DescEnum): Ruled {
  const { type, ignore, cel, celExpression } = rules;
  if (celExpression.length > 0) throw new OpenApiError(`${where}: give the CEL rule an id and a message`);
  if (ignore === Ignore.ALWAYS) return none;
  const said = cel.map((one) => sentence(one.message || one.expression));
  if (type.case === undefined) return { ...none, notes: said };
  const kind = FieldRulesSchema.fields.find(({ localName }) => localName === type.case)!;
  for (const field of kind.message!.fields) {
    const known = numbers.test(kind.name) ? ofNumbers : (translated[kind.name] ?? []);
    if (isFieldSet(type.value as never, field) && !known.includes(field.name)) {
      throw new OpenApiError(`${where}: the rule ${kind.name}.${field.name} has no translation to OpenAPI`);
    }
  }
  const found = ofKind(type.case, type.value, where, enumeration);
  return {
    keywords: found.keywords,
    notes: [...found.notes, ...said],
    refusesZero: found.refusesZero && ignore !== Ignore.IF_ZERO_VALUE,
  };
}

function ofKind(kind: string, rules: unknown, where: string, enumeration: DescEnum | undefined): Ruled {
  switch (kind) {
    case "string":
      return ofString(rules as StringRules, where);
    case "bytes":
      return ofBytes(rules as BytesRules);
    case "enum":
      return ofEnum(rules as EnumRules, enumeration!);
    case "repeated":
      return ofList(rules as RepeatedRules, where);
    case "map":
      return ofMap(rules as MapRules, where);
    case "duration":
      return ofDuration(rules as DurationRules);
    default:
      return ofNumber(rules as Bounds, /64$/.test(kind));
  }
}

function ofString(rules: StringRules, where: string): Ruled {
  const { minLen, maxLen, maxBytes, len, prefix, in: listed, const: only, wellKnown } = rules;
  if (rules.pattern && prefix) throw new OpenApiError(`${where}: a prefix and a pattern are two patterns`);
  const pattern = prefix ? `^${prefix.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")}` : rules.pattern;
  if (pattern) assertPattern(pattern, where);
  const shortest = len || minLen;
  // A text has no more characters than bytes.
  const longest = len || maxLen || maxBytes;
  const keywords = given({
    minLength: shortest > 0n ? Number(shortest) : undefined,
    maxLength: longest > 0n ? Number(longest) : undefined,
    pattern: pattern || undefined,
    enum: listed.length > 0 ? listed : undefined,
    const: only || undefined,
    format: wellKnown.case,
  });
  const refusesZero =
    shortest > 0n ||
    (pattern !== "" && !new RegExp(pattern, "u").test("")) ||
    (listed.length > 0 && !listed.includes("")) ||
    only !== "" ||
    wellKnown.case !== undefined;
  const notes = maxBytes > 0n ? [`At most ${maxBytes} bytes of UTF-8.`] : [];
  return { keywords, notes, refusesZero };
}

/** protovalidate's are RE2, JSON Schema's ECMA-262: those of both are taken. */
function assertPattern(pattern: string, where: string): void {
  try {
    new RegExp(pattern, "u");
  } catch (cause) {
    throw new OpenApiError(`${where}: the pattern ${pattern} is no regular expression of ECMA-262: ${cause}`);
  }
}

/** In base64, with its padding or without. */
function ofBytes({ minLen, maxLen, len }: BytesRules): Ruled {
  const [least, most] = [len || minLen, len || maxLen].map(Number) as [number, number];
  return {
    keywords: given({
      minLength: least > 0 ? Math.ceil((least * 4) / 3) : undefined,
      maxLength: most > 0 ? 4 * Math.ceil(most / 3) : undefined,
    }),
    notes: most > 0 ? [`${len > 0n ? "Exactly" : "At most"} ${most} bytes before base64.`] : [],
    refusesZero: least > 0,
  };
}

function ofEnum({ in: listed, notIn }: EnumRules, enumeration: DescEnum): Ruled {
  const namesOf = (values: readonly number[]) => values.map((one) => enumeration.value[one]?.name ?? one);
  return {
    keywords: given({
      enum: listed.length > 0 ? namesOf(listed) : undefined,
      not: notIn.length > 0 ? { enum: namesOf(notIn) } : undefined,
    }),
    notes: [],
    refusesZero: notIn.includes(0) || (listed.length > 0 && !listed.includes(0)),
  };
}

function ofList({ minItems, maxItems, unique, items }: RepeatedRules, where: string): Ruled {
  return {
    keywords: given({
      minItems: minItems > 0n ? Number(minItems) : undefined,
      maxItems: maxItems > 0n ? Number(maxItems) : undefined,
      uniqueItems: unique || undefined,
    }),
    notes: items === undefined ? [] : ruled(items, `${where}, items`, anyEnum).notes,
    refusesZero: minItems > 0n,
  };
}

function ofMap({ minPairs, maxPairs, keys, values }: MapRules, where: string): Ruled {
  const parts = [keys, values].filter((one) => one !== undefined);
  return {
    keywords: given({
      minProperties: minPairs > 0n ? Number(minPairs) : undefined,
      maxProperties: maxPairs > 0n ? Number(maxPairs) : undefined,
    }),
    notes: parts.flatMap((one) => ruled(one, `${where}, entries`, anyEnum).notes),
    refusesZero: minPairs > 0n,
  };
}

/** Where only the notes are asked for. */
const anyEnum = { value: {} } as DescEnum;

interface Bounds {
  readonly lessThan: { readonly case: "lt" | "lte" | undefined; readonly value?: unknown };
  readonly greaterThan: { readonly case: "gt" | "gte" | undefined; readonly value?: unknown };
}

function ofNumber({ lessThan, greaterThan }: Bounds, wide: boolean): Ruled {
  const low = greaterThan.case && Number(greaterThan.value);
  const high = lessThan.case && Number(lessThan.value);
  const refusesZero =
    (low !== undefined && (greaterThan.case === "gt" ? low >= 0 : low > 0)) ||
    (high !== undefined && (lessThan.case === "lt" ? high <= 0 : high < 0));
  if (wide) {
    const notes = boundsInWords({ lessThan, greaterThan }, (value) => String(value));
    return { keywords: {}, notes, refusesZero };
  }
  const keywords = given({
    [greaterThan.case === "gt" ? "exclusiveMinimum" : "minimum"]: low,
    [lessThan.case === "lt" ? "exclusiveMaximum" : "maximum"]: high,
  });
  return { keywords, notes: [], refusesZero };
}

/** A message, so its zero is its absence, which `required` is about. */
function ofDuration(rules: DurationRules): Ruled {
  const seconds = (value: unknown) => {
    const { seconds: whole, nanos } = value as { seconds: bigint; nanos: number };
    return `${Number(whole) + nanos / 1e9} s`;
  };
  return { keywords: {}, notes: boundsInWords(rules, seconds), refusesZero: false };
}

function boundsInWords({ lessThan, greaterThan }: Bounds, written: (value: unknown) => string): string[] {
  const words = [
    greaterThan.case &&
      `${greaterThan.case === "gt" ? "more than" : "at least"} ${written(greaterThan.value)}`,
    lessThan.case && `${lessThan.case === "lt" ? "less than" : "at most"} ${written(lessThan.value)}`,
  ].filter((one) => one !== undefined);
  return words.length === 0 ? [] : [sentence(words.join(", "))];
}

/** Begins with a capital letter, unless it begins with the name of a field, and ends with a full stop. */
export function sentence(text: string): string {
  const ended = /[.!?]$/.test(text) ? text : `${text}.`;
  return /^[a-z]+_/.test(ended) ? ended : ended.charAt(0).toUpperCase() + ended.slice(1);
}

/** Without what is undefined. */
export function given(keywords: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(keywords).filter(([, value]) => value !== undefined));
}
