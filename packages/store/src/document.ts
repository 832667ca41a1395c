import { deserialize, serialize } from "bson";
import { StoreError } from "./errors.ts";
import type { Document } from "./port.ts";

/** MongoDB's limits, kept by every engine so that data can move between them. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
const MAX_DEPTH = 100;

/**
 * A document as BSON. Undefined fields are dropped; every other value that would not come back as it went in
 * (NaN, class instances, invalid dates, reserved names, lone surrogates) is refused as `invalid`.
 * The bytes may be a view of a shared buffer pool: copy before a transfer.
 */
export function encodeDocument(document: Document): Uint8Array {
  for (const [field, value] of Object.entries(document)) {
    if (field.startsWith("_")) refuse(field, "has a reserved name");
    checkName(field, field);
    if (value !== undefined) checkValue(value, field, 1);
  }
  const bytes = serialize(document, { ignoreUndefined: true });
  if (bytes.byteLength > MAX_DOCUMENT_BYTES) {
    throw new StoreError("invalid", "the document is larger than 16 MiB");
  }
  return bytes;
}

/**
 * The document of these bytes; byte fields are Uint8Arrays of their own, safe to transfer. Throws `damaged` for bytes that
 * are no document.
 */
export function decodeDocument<D extends Document>(bytes: Uint8Array): D {
  let decoded: unknown;
  try {
    decoded = deserialize(bytes, { promoteBuffers: true });
  } catch (cause) {
    // Not as a cause: its message may quote the document.
    const name = cause instanceof Error ? cause.name : "unknown";
    throw new StoreError("damaged", `a stored document does not decode (${name})`);
  }
  return ownBytes(decoded) as D;
}

function checkValue(value: unknown, field: string, depth: number): void {
  if (depth > MAX_DEPTH) refuse(field, `is nested deeper than ${MAX_DEPTH} levels`);
  switch (typeof value) {
    case "boolean":
      return;
    case "string":
      if (!value.isWellFormed()) refuse(field, "holds a string with a lone surrogate");
      return;
    case "number":
      if (!Number.isFinite(value)) refuse(field, "holds a number that is not finite");
      return;
    case "object":
      checkObject(value, field, depth);
      return;
    default:
      refuse(field, `holds a value of type ${typeof value}`);
  }
}

function checkObject(value: object | null, field: string, depth: number): void {
  if (value === null || value instanceof Uint8Array) return;
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) refuse(field, "holds an invalid date");
    return;
  }
  if (Array.isArray(value)) {
    // A hole or undefined would come back as null.
    for (const item of value) checkValue(item, field, depth + 1);
    return;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) refuse(field, "holds an instance of a class");
  for (const [name, member] of Object.entries(value)) {
    checkName(name, field);
    if (member !== undefined) checkValue(member, field, depth + 1);
  }
}

function checkName(name: string, field: string): void {
  // `$` and `_bsontype` have a meaning of their own to BSON libraries: data must not be able to claim it.
  if (name.startsWith("$") || name === "_bsontype" || name.includes("\0") || !name.isWellFormed()) {
    refuse(field, "holds a field with a reserved name");
  }
}

function ownBytes(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) value[i] = ownBytes(value[i]);
    return value;
  }
  const object = value as Record<string, unknown>;
  for (const name of Object.keys(object)) {
    const member = object[name];
    // Only objects are written back: an assignment to `__proto__` would not define a field.
    if (typeof member === "object" && member !== null && name !== "__proto__")
      object[name] = ownBytes(member);
  }
  return object;
}

function refuse(field: string, problem: string): never {
  throw new StoreError("invalid", `field ${field.slice(0, 63)} ${problem}`);
}
