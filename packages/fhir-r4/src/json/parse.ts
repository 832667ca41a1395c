import { FhirError } from "../fhir-error.ts";
import { shownName } from "../finding.ts";
import { defaultLimits, type ParseLimits } from "../limits.ts";
import {
  ExactDecimal,
  exactNumber,
  type FhirObject,
  type FhirResource,
  type FhirValue,
  isDecimalText,
  isObject,
  sourceAwareJson,
} from "../resource.ts";
import { positionOf, syntaxErrorAt } from "./position.ts";
import { repeatedName, shapeOf } from "./scan.ts";

/**
 * Reads the text of a resource in FHIR's JSON, numbers with their digits. It looks at syntax only: `validate` judges what the
 * resource says. Throws `FhirError`: `limit`, or `syntax` with line and column, also where a name is written twice in an object,
 * or a number is past what `ExactDecimal` takes.
 */
export function parseJson(text: string, limits: ParseLimits = defaultLimits): FhirResource {
  if (text.length > limits.length) throw limit(`The text is longer than ${limits.length} characters`);
  const shape = shapeOf(text, limits.depth);
  if (shape.depth > limits.depth) throw limit(`The text nests deeper than ${limits.depth} levels`);
  const plain = readPlainly(text);
  const value = plain ?? read(text);
  if (!isObject(value)) throw syntax(text, 0, "A resource is a JSON object");
  if (plain === undefined && shape.names !== countNames(value)) {
    const repeated = repeatedName(text)!;
    throw syntax(text, repeated.at, `The name ${shownName(repeated.name)} is written twice in one object`);
  }
  if (typeof value.resourceType !== "string") {
    throw syntax(text, 0, "A resource has a 'resourceType', which is a string");
  }
  return value as FhirResource;
}

/**
 * Several times faster where it works: for a text as V8 itself writes it, which stored ones and those of most programs are. What is written
 * back the same has lost neither a digit nor a name that stands twice. Undefined for any other text.
 */
function readPlainly(text: string): FhirValue | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === text ? (value as FhirValue) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function read(text: string): FhirValue {
  let past = false;
  let value: unknown;
  try {
    value = sourceAwareJson.parse(text, (_key, one, { source }) => {
      if (typeof one !== "number") return one;
      if (String(one) === source) return one;
      if (isDecimalText(source!)) return exactNumber(source!);
      past = true;
      return 0;
    });
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    // Without the cause: its message quotes the text.
    throw syntax(text, syntaxErrorAt(text), "The text is no JSON from here");
  }
  if (past) throw syntax(text, 0, "A number has at most 64 digits, and an exponent of at most 400");
  return value as FhirValue;
}

/** Names of properties in the value, those within others included. */
function countNames(value: FhirObject | readonly FhirValue[]): number {
  let names = 0;
  if (Array.isArray(value)) {
    for (const one of value) if (isContainer(one)) names += countNames(one);
    return names;
  }
  for (const name of Object.keys(value)) {
    names++;
    const one = (value as FhirObject)[name];
    if (isContainer(one)) names += countNames(one);
  }
  return names;
}

function isContainer(value: unknown): value is FhirObject | readonly FhirValue[] {
  return typeof value === "object" && value !== null && !(value instanceof ExactDecimal);
}

function limit(text: string): FhirError {
  return new FhirError("limit", [{ severity: "error", code: "too-long", text }]);
}

function syntax(text: string, at: number, what: string): FhirError {
  return new FhirError("syntax", [
    { severity: "error", code: "structure", text: what, ...positionOf(text, at) },
  ]);
}
