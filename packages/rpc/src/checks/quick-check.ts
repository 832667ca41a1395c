import { type DescField, type DescMessage, getOption, isFieldSet, type Message } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  BytesRulesSchema,
  EnumRulesSchema,
  type FieldRules,
  FieldRulesSchema,
  field as fieldRules,
  Ignore,
  Int32RulesSchema,
  Int64RulesSchema,
  MessageRulesSchema,
  message as messageRules,
  oneof as oneofRules,
  RepeatedRulesSchema,
  type Rule,
  SInt32RulesSchema,
  StringRulesSchema,
  UInt32RulesSchema,
  UInt64RulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** True only for a value that keeps the rules; false where it does not, or where only the validator can tell. */
type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, unknown>>;
/** As `Check`, of one field of a message. */
type FieldCheck = (message: Fields) => boolean;

const checks = new WeakMap<DescMessage, Check>();

/**
 * Whether the message certainly keeps the contract's rules. The validator interprets the rules of each field and
 * keeps the path to it, for the case that something is wrong; a message of a hundred observations takes it a
 * millisecond. Nearly all messages are right, and of those this says so in a fiftieth. It knows the kinds of rules
 * that such messages have. Where it says no, ask the validator, whose word counts.
 */
export function certainlyValid(schema: DescMessage, message: Message): boolean {
  return checkOf(schema)(message);
}

const no: Check = () => false;
const yes: Check = () => true;

function checkOf(schema: DescMessage): Check {
  const known = checks.get(schema);
  if (known !== undefined) return known;
  let compiled: Check | undefined;
  // Stands for itself while it is compiled: messages may hold their own kind.
  const check: Check = (value) => {
    compiled ??= compileMessage(schema);
    return compiled(value);
  };
  checks.set(schema, check);
  return check;
}

function compileMessage(schema: DescMessage): Check {
  const rules = getOption(schema, messageRules);
  if (!onlySets(MessageRulesSchema, rules, "cel")) return no;
  const parts = compileExpressions(rules.cel);
  if (parts === undefined) return no;
  for (const field of schema.fields) {
    if (field.oneof !== undefined) continue;
    const part = compileField(field);
    if (part !== undefined) parts.push(part);
  }
  for (const oneof of schema.oneofs) {
    const { localName } = oneof;
    const { required } = getOption(oneof, oneofRules);
    const choices = new Map(oneof.fields.map((field) => [field.localName, compileValue(field)] as const));
    parts.push((message) => {
      const chosen = message[localName] as { readonly case?: string; readonly value?: unknown };
      if (chosen.case === undefined) return !required;
      return choices.get(chosen.case)?.(chosen.value) ?? false;
    });
  }
  return (value) => {
    if (typeof value !== "object" || value === null) return false;
    for (const part of parts) if (!part(value as Fields)) return false;
    return true;
  };
}

/** Expressions of the contract, as functions of the message that is `this`. */
const expressions: ReadonlyMap<string, FieldCheck> = new Map([
  [
    "has(this.start_time) && has(this.end_time)",
    ({ startTime, endTime }: Fields) => startTime !== undefined && endTime !== undefined,
  ],
  [
    "!has(this.start_time) || !has(this.end_time) || this.start_time < this.end_time",
    ({ startTime, endTime }: Fields) =>
      startTime === undefined ||
      endTime === undefined ||
      before(startTime as Timestamp, endTime as Timestamp),
  ],
]);

/** Of times that are no timestamps at all the validator tells. */
function before(a: Timestamp, b: Timestamp): boolean {
  if (!isTimestamp(a) || !isTimestamp(b)) return false;
  return a.seconds < b.seconds || (a.seconds === b.seconds && a.nanos < b.nanos);
}

/** Years 1 to 9999 (google/protobuf/timestamp.proto). */
function isTimestamp({ seconds, nanos }: Timestamp): boolean {
  return seconds >= -62_135_596_800n && seconds <= 253_402_300_799n && nanos >= 0 && nanos <= 999_999_999;
}

/** Undefined where one is not known. */
function compileExpressions(rules: readonly Rule[]): FieldCheck[] | undefined {
  const known = rules.map(({ expression }) => expressions.get(expression));
  return known.every((check) => check !== undefined) ? known : undefined;
}

/** Undefined where the field has no rules. */
function compileField(field: DescField): FieldCheck | undefined {
  const { localName } = field;
  const check = compileValue(field);
  if (field.fieldKind === "message") {
    const { required } = getOption(field, fieldRules);
    return (message) => {
      const value = message[localName];
      return value === undefined ? !required : check(value);
    };
  }
  return check === yes ? undefined : (message) => check(message[localName]);
}

/** Of a value that is there; a scalar without a choice always is. */
function compileValue(field: DescField): Check {
  const rules = getOption(field, fieldRules);
  const { case: kind } = rules.type;
  if (field.fieldKind === "message") return compileChild(field.message, rules);
  if (!onlySets(FieldRulesSchema, rules, "required", ...(kind === undefined ? [] : [kind]))) return no;
  switch (field.fieldKind) {
    case "list":
      return compileList(field, rules);
    case "map":
      return no;
    default: {
      const check = compileScalar(field, rules);
      const mayBeAbsent = field.proto.proto3Optional;
      if (rules.required) return no;
      return mayBeAbsent && check !== yes ? (value) => value === undefined || check(value) : check;
    }
  }
}

/** By the message's own rules and the field's expressions; rules of well-known types are the validator's. */
function compileChild(schema: DescMessage, rules: FieldRules): Check {
  const expected = compileExpressions(rules.cel);
  if (expected === undefined || !onlySets(FieldRulesSchema, rules, "required", "cel")) return no;
  const check = checkOf(schema);
  if (expected.length === 0) return check;
  return (value) => check(value) && expected.every((holds) => holds(value as Fields));
}

function compileList(field: DescField & { readonly fieldKind: "list" }, rules: FieldRules): Check {
  if (rules.required) return no;
  let least = 0;
  let most = Number.POSITIVE_INFINITY;
  let items: Check = field.listKind === "message" ? checkOf(field.message) : yes;
  if (rules.type.case !== undefined) {
    if (rules.type.case !== "repeated") return no;
    const given = rules.type.value;
    if (!onlySets(RepeatedRulesSchema, given, "minItems", "maxItems", "items")) return no;
    least = Number(given.minItems);
    if (given.maxItems > 0n) most = Number(given.maxItems);
    if (given.items !== undefined) {
      const { case: kind } = given.items.type;
      const known = ["ignore", ...(kind === undefined ? [] : [kind])];
      if (!onlySets(FieldRulesSchema, given.items, ...known)) return no;
      // Such items are judged elsewhere: neither their own rules nor those of the messages in them count.
      if (given.items.ignore === Ignore.ALWAYS) items = yes;
      else if (given.items.ignore !== Ignore.UNSPECIFIED) return no;
      else if (kind !== undefined) {
        if (field.listKind === "message") return no;
        items = compileScalar(field, given.items);
      }
    }
  }
  return (value) => {
    const list = value as readonly unknown[];
    if (list.length < least || list.length > most) return false;
    if (items !== yes) for (const item of list) if (!items(item)) return false;
    return true;
  };
}

function compileScalar(field: DescField, { type }: FieldRules): Check {
  switch (type.case) {
    case undefined:
      return yes;
    case "string": {
      const rules = type.value;
      if (!onlySets(StringRulesSchema, rules, "minLen", "maxLen", "pattern")) return no;
      // In UTF-16 there are at least as many units as code points, and at most twice as many.
      const least = rules.minLen < 2n ? Number(rules.minLen) : Number(rules.minLen) * 2;
      const most = rules.maxLen > 0n ? Number(rules.maxLen) : Number.POSITIVE_INFINITY;
      const pattern = rules.pattern === "" ? undefined : plainPattern(rules.pattern);
      if (rules.pattern !== "" && pattern === undefined) return no;
      return (value) =>
        typeof value === "string" &&
        value.length >= least &&
        value.length <= most &&
        (pattern === undefined || pattern.test(value));
    }
    case "bytes": {
      const rules = type.value;
      if (!onlySets(BytesRulesSchema, rules, "len", "minLen", "maxLen")) return no;
      const exact = isFieldSet(rules, BytesRulesSchema.field.len);
      if (exact && (rules.minLen > 0n || rules.maxLen > 0n)) return no;
      const least = Number(exact ? rules.len : rules.minLen);
      const most = exact ? least : rules.maxLen > 0n ? Number(rules.maxLen) : Number.POSITIVE_INFINITY;
      return (value) => value instanceof Uint8Array && value.length >= least && value.length <= most;
    }
    case "enum": {
      const rules = type.value;
      const schema = field.enum;
      if (schema === undefined || !onlySets(EnumRulesSchema, rules, "definedOnly", "notIn")) return no;
      const refused = new Set(rules.notIn);
      const defined = new Set(schema.values.map(({ number }) => number));
      return (value) => !refused.has(value as number) && (!rules.definedOnly || defined.has(value as number));
    }
    case "int32":
    case "uint32":
    case "sint32":
    case "int64":
    case "uint64": {
      const rules = type.value;
      if (!onlySets(integerRules[type.case], rules, "gte", "lte")) return no;
      const least = rules.greaterThan.case === "gte" ? rules.greaterThan.value : undefined;
      const most = rules.lessThan.case === "lte" ? rules.lessThan.value : undefined;
      // The other way round they leave out what lies between.
      if (least !== undefined && most !== undefined && least > most) return no;
      return (value) =>
        (least === undefined || (value as number) >= least) &&
        (most === undefined || (value as number) <= most);
    }
    default:
      return no;
  }
}

const integerRules = {
  int32: Int32RulesSchema,
  uint32: UInt32RulesSchema,
  sint32: SInt32RulesSchema,
  int64: Int64RulesSchema,
  uint64: UInt64RulesSchema,
};

/**
 * Anchored classes with counts, and groups that do not repeat, mean the same to RE2 and to JavaScript and take
 * neither of them long.
 */
function plainPattern(source: string): RegExp | undefined {
  const plain = /^\^(?:[\w[\]{}(),:|?*+/-]|\\\.|\.(?=[^\]]*\]))+\$/.test(source);
  return plain && !/\)[*+{]/.test(source) ? new RegExp(source, "u") : undefined;
}

/** Whether the rules set nothing but these. */
function onlySets(schema: DescMessage, rules: Message, ...names: readonly string[]): boolean {
  const others = schema.fields.filter(({ localName }) => !names.includes(localName));
  return rules.$unknown === undefined && !others.some((field) => isFieldSet(rules, field));
}
