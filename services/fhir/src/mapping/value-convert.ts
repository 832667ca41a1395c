import { exactNumber, type FhirObject } from "@wellapi/fhir-r4";
import type { Component, Observation, ReferenceRange } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import type { Coding, Quantity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { codingOf, conceptOf } from "./coding.ts";

const ucum = "http://unitsofmeasure.org";
/** FHIR's integers have 32 bits. */
const largestInteger = 2 ** 31 - 1;

/** With the digits that were sent: 98.60 stays 98.60. @param value decimal digits */
export function quantityOf({ value, unit }: Pick<Quantity, "value" | "unit">): FhirObject {
  return { value: exactNumber(value), ...unitOf(unit) };
}

/** A number without a unit has UCUM's 1. */
export function unitOf(unit: string): FhirObject {
  const code = unit === "" ? "1" : unit;
  return { unit: code, system: ucum, code };
}

type Value = Observation["value"] | Component["value"];

/** `value[x]` of an observation or a component. */
export function valueElementOf(value: Value): FhirObject {
  switch (value.case) {
    case undefined:
      return {};
    case "quantity":
      return { valueQuantity: quantityOf(value.value) };
    case "coded":
      return { valueCodeableConcept: conceptOf(value.value) };
    case "text":
      return value.value.trim() === "" ? {} : { valueString: value.value };
    case "boolean":
      return { valueBoolean: value.value };
    case "integer": {
      const number = Number(value.value);
      if (Math.abs(number) <= largestInteger) return { valueInteger: number };
      return { valueQuantity: quantityOf({ value: String(value.value), unit: "" }) };
    }
    case "range":
      return { valueRange: boundsOf(value.value) };
    case "ratio": {
      const { numerator, denominator } = value.value;
      return { valueRatio: { numerator: quantityOf(numerator!), denominator: quantityOf(denominator!) } };
    }
  }
}

function boundsOf({
  low,
  high,
}: {
  readonly low?: Quantity | undefined;
  readonly high?: Quantity | undefined;
}) {
  return {
    ...(low !== undefined && { low: quantityOf(low) }),
    ...(high !== undefined && { high: quantityOf(high) }),
  };
}

interface Judged {
  readonly value: Value;
  readonly dataAbsentReason?: Coding | undefined;
  readonly interpretations: readonly Coding[];
  readonly referenceRanges: readonly ReferenceRange[];
}

/** A value with what is said about it; why there is none only where there is none (obs-6). */
export function judgedValueOf({
  value,
  dataAbsentReason,
  interpretations,
  referenceRanges,
}: Judged): FhirObject {
  const shown = valueElementOf(value);
  const absent = dataAbsentReason !== undefined && Object.keys(shown).length === 0;
  const ranges = referenceRanges.flatMap(rangeOf);
  return {
    ...shown,
    ...(absent && { dataAbsentReason: conceptOf(dataAbsentReason) }),
    ...(interpretations.length > 0 && { interpretation: interpretations.map(conceptOf) }),
    ...(ranges.length > 0 && { referenceRange: ranges }),
  };
}

/** A range has a bound or a text (obs-3). */
function rangeOf({ low, high, text, appliesTo }: ReferenceRange): FhirObject[] {
  if (low === undefined && high === undefined && text === "") return [];
  return [
    {
      ...boundsOf({ low, high }),
      ...(appliesTo.length > 0 && { appliesTo: appliesTo.map(conceptOf) }),
      ...(text !== "" && { text }),
    },
  ];
}

export function componentOf(component: Component): FhirObject {
  return { code: { coding: [codingOf(component.code!)] }, ...judgedValueOf(component) };
}
