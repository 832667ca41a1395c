/**
 * Schemas of the contracts' messages, as ProtoJSON writes them.
 *
 * A message that is sent is held to the contract's rules and has no other fields than the contract's. One that is received is
 * held to its types alone: ProtoJSON leaves out zero values, and a server of tomorrow adds fields. So a message that occurs
 * both ways has two schemas. The name depends on the direction and on nothing else, so that a new use of a message renames none.
 */
import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  getOption,
  hasOption,
  ScalarType,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import {
  type FieldRules,
  field as fieldRules,
  Ignore,
  message as messageRules,
  oneof as oneofRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { FieldBehavior, field_behavior } from "../../gen/google/api/field_behavior_pb.js";
import { resource } from "../../gen/google/api/resource_pb.js";
import { field_deprecation } from "../../gen/wellapi/type/v1/deprecation_pb.js";
import { commentOf, enumComment, paragraphs } from "./comments.ts";
import { deprecationOf } from "./deprecation.ts";
import { given, type JsonSchema, OpenApiError, ruled, sentence, wideIntegers } from "./rules.ts";

/** `request`: the message of a call. `input`: a message within one. `answer`: whatever the server sends. */
export type Direction = "request" | "input" | "answer";

export interface Schemas {
  /** `{ $ref }` to the message's schema, which is made at the first call. */
  refTo(message: DescMessage, direction: Direction): JsonSchema;
  /** By name, sorted. */
  all(): Readonly<Record<string, JsonSchema>>;
}

const timestamp = { type: "string", format: "date-time" };
/** The messages that ProtoJSON writes in a form of their own. */
const wellKnown: Readonly<Record<string, JsonSchema>> = {
  "google.protobuf.Timestamp": timestamp,
  "google.protobuf.Duration": {
    type: "string",
    pattern: "^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$",
    examples: ["3.5s"],
  },
  // Paths in lowerCamelCase, with commas between.
  "google.protobuf.FieldMask": { type: "string", examples: ["displayName,timeZone"] },
  "google.protobuf.Empty": { type: "object" },
  "google.protobuf.Struct": { type: "object" },
  "google.protobuf.Value": {},
  "google.protobuf.ListValue": { type: "array" },
  "google.protobuf.Any": { type: "object", properties: { "@type": { type: "string" } }, required: ["@type"] },
  "google.protobuf.BoolValue": { type: ["boolean", "null"] },
  "google.protobuf.StringValue": { type: ["string", "null"] },
  "google.protobuf.BytesValue": { type: ["string", "null"], contentEncoding: "base64" },
  "google.protobuf.Int32Value": { type: ["integer", "null"], format: "int32" },
  "google.protobuf.UInt32Value": { type: ["integer", "null"], minimum: 0 },
  "google.protobuf.Int64Value": { type: ["string", "null"], pattern: "^-?[0-9]+$" },
  "google.protobuf.UInt64Value": { type: ["string", "null"], pattern: "^[0-9]+$" },
};

export function createSchemas(): Schemas {
  const schemas = new Map<string, JsonSchema>();
  /** Whose schema has the name. */
  const owners = new Map<string, string>();

  function refTo(message: DescMessage, direction: Direction): JsonSchema {
    const known = wellKnown[message.typeName];
    if (known !== undefined) return known;
    if (message.typeName.startsWith("google.protobuf.")) {
      throw new OpenApiError(`${message.typeName} has no translation to OpenAPI`);
    }
    const name = direction === "input" ? `${message.typeName}.Input` : message.typeName;
    return named(name, `${message.typeName} as ${direction}`, () => messageSchema(message, direction));
  }

  function named(name: string, owner: string, make: () => JsonSchema): JsonSchema {
    if (!owners.has(name)) {
      owners.set(name, owner);
      schemas.set(name, make());
    } else if (owners.get(name) !== owner) {
      throw new OpenApiError(`two schemas would be named ${name}: ${owners.get(name)}, and ${owner}`);
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  function enumSchema(desc: DescEnum): JsonSchema {
    return named(desc.typeName, desc.typeName, () =>
      given({
        type: "string",
        description: enumComment(desc),
        enum: desc.values.map(({ name }) => name),
      }),
    );
  }

  function messageSchema(message: DescMessage, direction: Direction): JsonSchema {
    const sent = direction !== "answer";
    const rules = sent && hasOption(message, messageRules) ? getOption(message, messageRules) : undefined;
    if (rules && (rules.celExpression.length > 0 || rules.oneof.length > 0)) {
      throw new OpenApiError(`${message.typeName}: only CEL rules with an id of messages are translated`);
    }
    const fields = message.fields.map((field) => [field.jsonName, fieldSchema(field, sent)] as const);
    const required = sent ? message.fields.filter(isNeeded).map(({ jsonName }) => jsonName) : [];
    const oneofs = message.oneofs.map((one) => oneofSchema(one, sent));
    return given({
      type: "object",
      title: message.name,
      description: paragraphs(
        commentOf(message),
        ...(rules?.cel ?? []).map((one) => sentence(one.message || one.expression)),
      ),
      properties: Object.fromEntries(fields),
      required: required.length > 0 ? required : undefined,
      allOf: oneofs.length > 0 ? oneofs : undefined,
      additionalProperties: sent ? false : undefined,
    });
  }

  function fieldSchema(field: DescField, sent: boolean): JsonSchema {
    const rules = sent ? rulesOf(field) : undefined;
    const limits = rules && ruled(rules, field.toString(), field.enum);
    const behavior = getOption(field, field_behavior);
    return given({
      ...merged(valueSchema(field, sent, rules), limits?.keywords),
      description: paragraphs(
        commentOf(field),
        limits?.notes.join(" "),
        sent ? creationNote(field) : undefined,
      ),
      readOnly: behavior.includes(FieldBehavior.OUTPUT_ONLY) || undefined,
      writeOnly: behavior.includes(FieldBehavior.INPUT_ONLY) || undefined,
      ...deprecationOf(hasOption(field, field_deprecation) ? getOption(field, field_deprecation) : undefined),
    });
  }

  function valueSchema(field: DescField, sent: boolean, rules: FieldRules | undefined): JsonSchema {
    const of = (inner: FieldRules | undefined, what: string) => {
      const one = single(field, sent);
      return inner === undefined ? one : merged(one, ruled(inner, `${field}, ${what}`, field.enum).keywords);
    };
    if (field.fieldKind === "list") {
      return {
        type: "array",
        items: of(rules?.type.case === "repeated" ? rules.type.value.items : undefined, "items"),
      };
    }
    if (field.fieldKind !== "map") return single(field, sent);
    const map = rules?.type.case === "map" ? rules.type.value : undefined;
    const keys = map?.keys && ruled(map.keys, `${field}, keys`).keywords;
    return given({ type: "object", propertyNames: keys, additionalProperties: of(map?.values, "values") });
  }

  /** Of the field, or of one item or value of it. */
  function single(field: DescField, sent: boolean): JsonSchema {
    if (field.message) return refTo(field.message, sent ? "input" : "answer");
    return field.enum ? enumSchema(field.enum) : scalarSchema(field.scalar!);
  }

  return {
    refTo,
    all: () => Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Rules narrow what the type has: `minimum` replaces that of 32 bits. */
function merged(schema: JsonSchema, keywords: JsonSchema = {}): JsonSchema {
  return { ...schema, ...keywords };
}

function rulesOf(field: DescField): FieldRules | undefined {
  return hasOption(field, fieldRules) ? getOption(field, fieldRules) : undefined;
}

/** Whether a request without the field is refused. */
function isNeeded(field: DescField): boolean {
  if (field.oneof !== undefined) return false;
  const rules = rulesOf(field);
  if (isRequired(field) && !isPartial(field.parent)) return true;
  if (rules === undefined || rules.ignore === Ignore.ALWAYS) return false;
  if (rules.required) return true;
  const implicit = field.presence === FeatureSet_FieldPresence.IMPLICIT;
  return implicit && ruled(rules, field.toString(), field.enum).refusesZero;
}

function isRequired(field: DescField): boolean {
  return getOption(field, field_behavior).includes(FieldBehavior.REQUIRED);
}

function creationNote(field: DescField): string | undefined {
  return isRequired(field) && isPartial(field.parent) && !isNeeded(field) ? "Needed at creation." : undefined;
}

/** An update sends of a resource what it changes (AIP-134), so that what must be there is needed at its creation only. */
function isPartial(message: DescMessage): boolean {
  return hasOption(message, resource);
}

/** At most one of the fields, or exactly one. */
function oneofSchema(oneof: DescOneof, sent: boolean): JsonSchema {
  const each = oneof.fields.map(({ jsonName }) => ({ required: [jsonName] }));
  const required = sent && hasOption(oneof, oneofRules) && getOption(oneof, oneofRules).required;
  return { oneOf: required ? each : [...each, { not: { anyOf: each } }] };
}

function scalarSchema(scalar: ScalarType): JsonSchema {
  if (wideIntegers.has(scalar)) {
    const unsigned = scalar === ScalarType.UINT64 || scalar === ScalarType.FIXED64;
    return {
      type: "string",
      format: unsigned ? "uint64" : "int64",
      pattern: unsigned ? "^[0-9]+$" : "^-?[0-9]+$",
    };
  }
  switch (scalar) {
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return { oneOf: [{ type: "number" }, { enum: ["NaN", "Infinity", "-Infinity"] }] };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: "integer", minimum: 0, maximum: 2 ** 32 - 1 };
    default:
      return { type: "integer", format: "int32", minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
  }
}
