import type { CodeList, TypeDefinition } from "../definitions.ts";
import { type FhirObject, type FhirValue, isObject } from "../resource.ts";

/** A required binding: the code, or one of the codings, is of the set. The value has the type's structure, or is judged already. */
export function checkCodes(
  value: FhirValue,
  type: TypeDefinition,
  codes: CodeList,
  report: (text: string) => void,
): void {
  const fits =
    typeof value === "string"
      ? codes.has(value)
      : type.name === "CodeableConcept"
        ? Array.isArray((value as FhirObject).coding) &&
          ((value as FhirObject).coding as FhirValue[]).some(isCoding)
        : isCoding(value);
  if (!fits) report(`The code is none of HL7's value set ${codes.name}`);

  function isCoding(one: FhirValue): boolean {
    if (!isObject(one) || typeof one.system !== "string" || typeof one.code !== "string") return false;
    return codes.hasCoding(one.system, one.code);
  }
}
