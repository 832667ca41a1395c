import { fromJsonString } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { beyondJsonShape, type JsonShapeLimits } from "@wellapi/runtime";
import { NormalizeError } from "./errors.ts";

/** A number by its digits in the document: 98.60 stays 98.60. */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Json = null | boolean | string | ExactNumber | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** No vendor's document is deeper than some ten levels; a day of heart rates by the second has some 20,000 elements. */
const shape: JsonShapeLimits = { mostDepth: 32, mostElements: 50_000 };

/** A parser's own words on a name that occurs twice; the name is the sender's, and goes back to the sender alone. */
const DUPLICATE = "duplicate object key ";
const MAX_NAME = 64;

/**
 * Reads JSON, with its numbers as they are written.
 *
 * @throws NormalizeError `document`: too deep, no UTF-8, no JSON, or a name twice in an object
 */
export function parseDocument(bytes: Uint8Array): Json {
  const beyond = beyondJsonShape(bytes, shape);
  if (beyond === "too_deep") throw refused("DOCUMENT_TOO_DEEP", "is nested deeper than 32 levels");
  if (beyond === "too_many") {
    throw refused(
      "DOCUMENT_TOO_LARGE",
      "has more than 50,000 objects and lists: send a shorter time at once",
    );
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refused("DOCUMENT_INVALID", "is no UTF-8: send JSON in UTF-8", cause);
  }
  const document = parseExactly(text);
  assertNamesOnce(text);
  return document;
}

type Reviver = (name: string, value: unknown) => unknown;

/** The reviver of JSON.parse with source text (ES2026), which TypeScript's library does not know yet. */
function exactly(_name: string, value: unknown, { source }: { readonly source?: string }): unknown {
  return typeof value === "number" ? new ExactNumber(source!) : value;
}

function parseExactly(text: string): Json {
  try {
    return JSON.parse(text, exactly as Reviver) as Json;
  } catch (cause) {
    // V8's message quotes the text, so only its position is told.
    const at = cause instanceof Error ? /at position (\d+)/.exec(cause.message)?.[1] : undefined;
    const where = at === undefined ? "it ends too early" : `at character ${at}`;
    throw refused("DOCUMENT_INVALID", `is no JSON (${where}): send the whole document as the vendor gave it`);
  }
}

/** `JSON.parse` keeps the last of two, and which one the vendor means nobody knows. */
function assertNamesOnce(text: string): void {
  try {
    fromJsonString(ValueSchema, text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : "";
    const at = message.indexOf(DUPLICATE);
    const name = at < 0 ? undefined : message.slice(at + DUPLICATE.length);
    // Whatever else it says is about numbers beyond 64 bits, which are judged where they are read.
    if (name === undefined) return;
    const told = name.length > MAX_NAME ? "a name" : name;
    throw refused("NAME_REPEATED", `has ${told} twice in one object: which of the two counts is not said`);
  }
}

function refused(reason: string, description: string, cause?: unknown): NormalizeError {
  return new NormalizeError("document", "document", reason, description, { cause });
}
