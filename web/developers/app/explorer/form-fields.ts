import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";
import { fieldRules, fieldType } from "@wellapi/descriptors";

/** One field of a request as a form shows it: its top level, where what lies deeper is JSON. */
export interface FormField {
  /** As in JSON: `pageSize`. */
  readonly name: string;
  readonly kind: "text" | "number" | "tick" | "choice" | "json";
  /** Of a choice: the names of the enum's values. */
  readonly choices: readonly string[];
  /** As the contract spells it: `string`, `repeated wellapi.type.v1.Coding`. */
  readonly type: string;
  /** protovalidate's rules as JSON; empty: there are none. */
  readonly rules: string;
  /** Only one field of the same group is set; empty: it is in none. */
  readonly oneof: string;
}

export function formFieldsOf(message: DescMessage): readonly FormField[] {
  return message.fields.map((one) => ({
    name: one.jsonName,
    ...kindOf(one),
    type: fieldType(one),
    rules: fieldRules(one),
    oneof: one.oneof?.name ?? "",
  }));
}

function kindOf(field: DescField): Pick<FormField, "kind" | "choices"> {
  if (field.fieldKind === "enum")
    return { kind: "choice", choices: field.enum.values.map(({ name }) => name) };
  if (field.fieldKind !== "scalar") return { kind: "json", choices: [] };
  if (field.scalar === ScalarType.BOOL) return { kind: "tick", choices: [] };
  return { kind: isSmallNumber(field.scalar) ? "number" : "text", choices: [] };
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

/** A field's text as it stands in the form; a tick is `true` or empty. */
export type FormTexts = Readonly<Record<string, string>>;

/** The request in JSON; a field without text is left out. Throws SyntaxError, whose message begins with the field. */
export function requestOf(fields: readonly FormField[], texts: FormTexts): JsonObject {
  const request: Record<string, JsonValue> = {};
  for (const { name, kind } of fields) {
    const text = texts[name]?.trim() ?? "";
    if (text === "") continue;
    request[name] = kind === "text" || kind === "choice" ? text : parsed(name, text);
  }
  return request;
}

function parsed(name: string, text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new SyntaxError(`${name}: ${(error as Error).message}`, { cause: error });
  }
}

/** The form's texts of a request in JSON. */
export function textsOf(fields: readonly FormField[], request: JsonObject): FormTexts {
  return Object.fromEntries(
    fields.flatMap(({ name, kind }) => {
      const value = request[name];
      if (value === undefined || value === false) return [];
      return [[name, kind === "text" || kind === "choice" ? String(value) : JSON.stringify(value)]];
    }),
  );
}
