import { type FhirObject, type FhirResource, type FhirValue, isObject } from "@wellapi/fhir-r4";
import { FhirServiceError } from "../errors.ts";

/** A value of `value-quantity`: a number, compared as its prefix says, in a unit where one is named. */
export interface SearchedQuantity {
  readonly prefix: string;
  readonly number: number;
  /** Half of the last digit that was written: 5.4 is from 5.35 to 5.45 (FHIR R4, 3.1.1.5.7). */
  readonly tolerance: number;
  /** Empty: any. */
  readonly system: string;
  /** A code or a unit; empty: any. */
  readonly code: string;
}

const form = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(-?\d{1,16}(?:\.\d{1,16})?)(?:\|([^|]*)\|([^|]*))?$/;

export function quantityOf(text: string): SearchedQuantity {
  const [, prefix = "eq", digits = "", system = "", code = ""] = form.exec(text) ?? [];
  if (digits === "") {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      "value-quantity has to be a number such as gt100 or ge5.4|http://unitsofmeasure.org|mmol/L",
    );
  }
  const point = digits.indexOf(".");
  const scale = point < 0 ? 0 : digits.length - point - 1;
  return { prefix, number: Number(digits), tolerance: 0.5 * 10 ** -scale, system, code };
}

/** Whether the resource's value is any of these: of SampledData, whether one of its samples is. */
export function hasQuantity(resource: FhirResource, asked: readonly SearchedQuantity[]): boolean {
  const { valueQuantity, valueSampledData } = resource;
  if (isObject(valueQuantity)) {
    const { value } = valueQuantity;
    return asked.some((one) => isOfUnit(valueQuantity, one) && matches(numberOf(value), one));
  }
  if (!isObject(valueSampledData) || !isObject(valueSampledData.origin)) return false;
  const { origin, data } = valueSampledData;
  const numbers = typeof data === "string" ? data.split(" ").map(Number) : [];
  return asked.some((one) => isOfUnit(origin, one) && numbers.some((number) => matches(number, one)));
}

function numberOf(value: FhirValue | undefined): number {
  return value === undefined ? Number.NaN : Number(value);
}

function isOfUnit(quantity: FhirObject, { system, code }: SearchedQuantity): boolean {
  if (system !== "" && quantity.system !== system) return false;
  return code === "" || quantity.code === code || (system === "" && quantity.unit === code);
}

function matches(value: number, { prefix, number, tolerance }: SearchedQuantity): boolean {
  switch (prefix) {
    case "gt":
    case "sa":
      return value > number;
    case "lt":
    case "eb":
      return value < number;
    case "ge":
      return value >= number;
    case "le":
      return value <= number;
    case "ne":
      return Math.abs(value - number) > tolerance;
    case "ap":
      return Math.abs(value - number) <= Math.max(tolerance, Math.abs(number) / 10);
    default:
      return Math.abs(value - number) <= tolerance;
  }
}
