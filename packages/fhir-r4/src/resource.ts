import { FhirError } from "./fhir-error.ts";

/** What a reader of JSON gets besides the value, in Node 22 and later. TypeScript's own types do not know it yet. */
interface SourceAwareJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
}

/** `JSON`, with the source text of numbers (https://tc39.es/proposal-json-parse-with-source/). */
export const sourceAwareJson = JSON as unknown as SourceAwareJson;

/** A decimal of FHIR R4: digits, and an exponent. */
const decimalForm = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/** The most digits, and the furthest exponent, that are taken: FHIR asks for 18 digits, and a text may hold any number. */
const mostDigits = 64;
const furthestExponent = 400;

/**
 * A number whose digits a JavaScript number would change: 98.60, 1.0E-3, 0.1234567890123456789. Its text is what was sent, and
 * what is written.
 */
export class ExactDecimal {
  readonly text: string;

  /** Throws `FhirError` (`unusable`) where the text is no decimal, or past 64 digits or the exponent 400. */
  constructor(text: string) {
    if (!isDecimalText(text)) {
      throw new FhirError("unusable", [
        {
          severity: "error",
          code: "value",
          text: "A number has at most 64 digits, and an exponent of at most 400",
        },
      ]);
    }
    this.text = text;
  }

  /** Written by `JSON.stringify` as it was sent. */
  toJSON(): unknown {
    return sourceAwareJson.rawJSON(this.text);
  }

  /** The nearest JavaScript number: for comparisons and drawings, not for what is sent on. */
  valueOf(): number {
    return Number(this.text);
  }

  toString(): string {
    return this.text;
  }
}

export function isDecimalText(text: string): boolean {
  if (text.length > mostDigits + 8 || !decimalForm.test(text)) return false;
  const [digits, exponent] = text.split(/[eE]/);
  return (
    digits!.replace(/[-.]/g, "").length <= mostDigits &&
    (exponent === undefined || Math.abs(Number(exponent)) <= furthestExponent)
  );
}

/** A number that JavaScript writes as `text`, or the text itself. Throws as `ExactDecimal` does. */
export function exactNumber(text: string): FhirNumber {
  const value = Number(text);
  return String(value) === text ? value : new ExactDecimal(text);
}

/** A decimal or whole number: a JavaScript number where that writes the same digits. */
export type FhirNumber = number | ExactDecimal;

/** `null` only fills the place of an item that has no value, in a list of primitives (FHIR R4, 2.6.2.4). */
export type FhirValue = string | boolean | FhirNumber | null | FhirObject | readonly FhirValue[];

/** An element or a resource, as FHIR's JSON has it. */
export interface FhirObject {
  readonly [name: string]: FhirValue | undefined;
}

export interface FhirResource extends FhirObject {
  readonly resourceType: string;
}

export function isObject(value: unknown): value is FhirObject {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactDecimal)
  );
}
