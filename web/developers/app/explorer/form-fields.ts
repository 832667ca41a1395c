import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";
import { fieldRules, fieldType } from "@wellapi/descriptors";

/** What one value of a field is. */
type Shape =
  | { readonly kind: "number" | "tick" | "json" }
  /** `example`: of a text that has a form of its own. */
  | { readonly kind: "text"; readonly example?: string }
  /** Some of these fields, as ProtoJSON writes a mask. */
  | { readonly kind: "mask"; readonly paths: () => readonly string[] }
  /** One of an enum's values, by name. */
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  /** Its fields are read when they are shown: messages may lie in themselves. */
  | { readonly kind: "message"; readonly fields: () => readonly FormField[] };

/** One field of a request as a form shows it. */
export interface FormField {
  /** As in JSON: `pageSize`. */
  readonly name: string;
  /** Of one of its values, where it is repeated. */
  readonly shape: Shape;
  readonly repeated: boolean;
  /** As the contract spells it: `string`, `repeated wellapi.type.v1.Coding`. */
  readonly type: string;
  /** protovalidate's rules as JSON; empty: there are none. */
  readonly rules: string;
  /** Only one field of the same group is set; empty: it is in none. */
  readonly oneof: string;
  /** By which the contract's comment is found. */
  readonly comment: string;
}

export function formFieldsOf(message: DescMessage): readonly FormField[] {
  return message.fields.map((one) => ({
    name: one.jsonName,
    shape: shapeOf(one),
    repeated: one.fieldKind === "list",
    type: fieldType(one),
    rules: fieldRules(one),
    oneof: one.oneof?.name ?? "",
    comment: `${message.typeName}.${one.jsonName}`,
  }));
}

/** How ProtoJSON writes Google's own messages. A public request has no others of them, and no map; what comes to it later is JSON in the form. */
const examples: Readonly<Record<string, string>> = {
  "google.protobuf.Timestamp": "2026-01-31T12:00:00Z",
  "google.protobuf.Duration": "3600s",
};

function shapeOf(field: DescField): Shape {
  if (field.fieldKind === "map") return { kind: "json" };
  const { message } = field;
  if (field.enum !== undefined) return { kind: "choice", choices: field.enum.values.map(({ name }) => name) };
  if (message !== undefined) {
    const example = examples[message.typeName];
    if (example !== undefined) return { kind: "text", example };
    if (message.typeName === "google.protobuf.FieldMask")
      return { kind: "mask", paths: () => maskable(field.parent) };
    if (message.typeName.startsWith("google.")) return { kind: "json" };
    return { kind: "message", fields: () => formFieldsOf(message) };
  }
  if (field.scalar === ScalarType.BOOL) return { kind: "tick" };
  return { kind: isSmallNumber(field.scalar!) ? "number" : "text" };
}

/** A mask is about the one resource of its request (AIP-134). */
function maskable({ fields }: DescMessage): readonly string[] {
  const resource = fields.find(
    ({ message }) => message !== undefined && !message.typeName.startsWith("google."),
  );
  return resource?.message?.fields.map(({ jsonName }) => jsonName) ?? [];
}

/** The fields that a mask's text names. */
export function maskedIn(text: string): readonly string[] {
  return text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

/** JSON writes integers of 64 bits, and bytes, as strings. */
function isSmallNumber(scalar: ScalarType): boolean {
  return [
    ScalarType.DOUBLE,
    ScalarType.FLOAT,
    ScalarType.INT32,
    ScalarType.UINT32,
    ScalarType.SINT32,
    ScalarType.FIXED32,
    ScalarType.SFIXED32,
  ].includes(scalar);
}

/**
 * What stands in a form, by the path of the field: `consent.provisions.0.effect`. A tick is `true` or empty; of a repeated field the text is how
 * many values the form has.
 */
export type FormTexts = Readonly<Record<string, string>>;

/** How many values of a repeated field the form has. */
export function countOf(texts: FormTexts, path: string): number {
  return Number(texts[path] ?? 0);
}

/** Without the last value of the repeated field, and without what lay in it. */
export function withoutLast(texts: FormTexts, path: string): FormTexts {
  const count = countOf(texts, path) - 1;
  const last = `${path}.${count}`;
  const kept = Object.entries(texts).filter(([name]) => name !== last && !name.startsWith(`${last}.`));
  return { ...Object.fromEntries(kept), [path]: String(count) };
}

/** The request in JSON; a field without text is left out, as is a message without any. Throws SyntaxError, whose message begins with the path. */
export function requestOf(fields: readonly FormField[], texts: FormTexts, before = ""): JsonObject {
  const request: Record<string, JsonValue> = {};
  for (const { name, shape, repeated } of fields) {
    const path = `${before}${name}`;
    if (repeated) {
      const items = Array.from({ length: countOf(texts, path) }, (_, i) =>
        jsonAt(shape, texts, `${path}.${i}`),
      );
      // An empty value of a list is one all the same: the reader has added it.
      if (items.length > 0) request[name] = items.map((item) => item ?? emptyOf(shape));
      continue;
    }
    const value = jsonAt(shape, texts, path);
    if (value !== undefined) request[name] = value;
  }
  return request;
}

function emptyOf({ kind }: Shape): JsonValue {
  if (kind === "message") return {};
  if (kind === "tick") return false;
  return kind === "number" ? 0 : "";
}

/** Undefined where nothing is entered. */
function jsonAt(shape: Shape, texts: FormTexts, path: string): JsonValue | undefined {
  if (shape.kind === "message") {
    // Its fields are looked at only where something stands below: messages may lie in themselves.
    if (!Object.keys(texts).some((name) => name.startsWith(`${path}.`))) return undefined;
    const value = requestOf(shape.fields(), texts, `${path}.`);
    return Object.keys(value).length === 0 ? undefined : value;
  }
  const text = texts[path]?.trim() ?? "";
  if (text === "") return undefined;
  return isText(shape) ? text : parsed(path, text);
}

/** Whether JSON has it as a string. */
function isText({ kind }: Shape): boolean {
  return kind === "text" || kind === "choice" || kind === "mask";
}

function parsed(path: string, text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new SyntaxError(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** The form's texts of a request in JSON. What the contract does not have is left out. */
export function textsOf(fields: readonly FormField[], request: JsonObject, before = ""): FormTexts {
  const entries = fields.flatMap(({ name, shape, repeated }) => {
    const value = request[name];
    const path = `${before}${name}`;
    if (value === undefined) return [];
    if (!repeated) return entriesOf(shape, value, path);
    const items = Array.isArray(value) ? value : [value];
    return [
      [path, String(items.length)] as const,
      ...items.flatMap((item, i) => entriesOf(shape, item, `${path}.${i}`)),
    ];
  });
  return Object.fromEntries(entries);
}

function entriesOf(shape: Shape, value: JsonValue, path: string): (readonly [string, string])[] {
  if (value === false || value === null) return [];
  if (shape.kind === "message") {
    const nested = typeof value === "object" && !Array.isArray(value) ? value : {};
    return Object.entries(textsOf(shape.fields(), nested, `${path}.`));
  }
  return [[path, isText(shape) ? String(value) : JSON.stringify(value)]];
}
