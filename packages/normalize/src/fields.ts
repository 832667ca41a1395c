import { ExactNumber, type Json, type JsonObject } from "./document.ts";
import type { Findings } from "./findings.ts";

/** An object of a document, read field by field. What nobody asks for is noted as unknown by `close`. */
export interface Fields {
  readonly path: string;
  has(name: string): boolean;
  /** Whether it is an object. */
  nested(name: string): boolean;
  /** Undefined where it is missing, null, or of another type; the last is a problem. */
  text(name: string): string | undefined;
  /** The digits of a number, also of one in quotation marks. */
  digits(name: string): string | undefined;
  flag(name: string): boolean | undefined;
  object(name: string): Fields | undefined;
  /** With the path of each element. */
  list(name: string): readonly { readonly value: Json; readonly path: string }[] | undefined;
  /** As `list`, of objects; an element that is none is a problem. */
  objects(name: string): readonly Fields[] | undefined;
  /** Known fields that describe others: read for nothing. */
  known(...names: readonly string[]): void;
  /** Known fields without a place in the exchange: noted, where they are there. */
  leave(reason: string, ...names: readonly string[]): void;
  close(): void;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)
  );
}

export function createFields(object: JsonObject, path: string, findings: Findings): Fields {
  const asked = new Set<string>();
  const at = (name: string) => (path === "" ? name : `${path}.${name}`);

  function valueAt(name: string): Json | undefined {
    asked.add(name);
    const value = Object.hasOwn(object, name) ? object[name] : undefined;
    return value === null ? undefined : value;
  }

  function typed<T>(name: string, what: string, read: (value: Json) => T | undefined): T | undefined {
    const value = valueAt(name);
    if (value === undefined) return undefined;
    const result = read(value);
    if (result === undefined) findings.refuse(at(name), "TYPE_WRONG", `is no ${what}`);
    return result;
  }

  const list: Fields["list"] = (name) =>
    typed(name, "list", (value) =>
      Array.isArray(value)
        ? value.map((element: Json, index) => ({ value: element, path: `${at(name)}[${index}]` }))
        : undefined,
    );

  return {
    path,
    has: (name) => Object.hasOwn(object, name) && object[name] !== null,
    nested: (name) => Object.hasOwn(object, name) && isObject(object[name]),
    text: (name) => typed(name, "text", (value) => (typeof value === "string" ? value : undefined)),
    digits: (name) =>
      typed(name, "number", (value) => {
        if (value instanceof ExactNumber) return value.text;
        return typeof value === "string" ? value : undefined;
      }),
    flag: (name) => typed(name, "true or false", (value) => (typeof value === "boolean" ? value : undefined)),
    object: (name) =>
      typed(name, "object", (value) =>
        isObject(value) ? createFields(value, at(name), findings) : undefined,
      ),
    list,
    objects: (name) =>
      list(name)?.flatMap((element) => {
        if (isObject(element.value)) return [createFields(element.value, element.path, findings)];
        findings.refuse(element.path, "TYPE_WRONG", "is no object");
        return [];
      }),
    known(...names) {
      for (const name of names) asked.add(name);
    },
    leave(reason, ...names) {
      for (const name of names) {
        if (valueAt(name) !== undefined) findings.note("not_taken", at(name), reason);
      }
    },
    close() {
      for (const name of Object.keys(object)) {
        if (!asked.has(name)) findings.note("unknown", at(name), "");
      }
    },
  };
}
