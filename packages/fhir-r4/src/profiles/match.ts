import { codeList } from "../definitions.ts";
import { ExactDecimal, type FhirValue, isObject } from "../resource.ts";
import type { ProfileNode } from "./profiles.ts";

/** A value of an element, with the name of its type. */
export interface TypedItem {
  readonly value: FhirValue;
  readonly type: string;
}

/** Whether the value is of the slice, by the discriminators of its slicing (FHIR R4, 5.1.0.7). */
export function isOfSlice(slice: ProfileNode, item: TypedItem): boolean {
  return (slice.by ?? []).every(({ type, path }) =>
    type === "type" ? (slice.types ?? []).includes(item.type) : hasWanted(slice, item, path),
  );
}

function hasWanted(slice: ProfileNode, { value }: TypedItem, path: string): boolean {
  const steps = path === "$this" ? [] : path.split(".");
  const wanted = wantedAt(slice, steps);
  if (wanted.length === 0)
    return slice.codes !== undefined && steps.length === 0 && isBound(value, slice.codes);
  const found = valuesAt(value, steps);
  return wanted.every((one) => found.some((have) => fits(have, one)));
}

/** The fixed values and patterns of a slice at a path below it. */
function wantedAt(node: ProfileNode, [step, ...rest]: readonly string[]): FhirValue[] {
  const own = node.fixed ?? node.pattern;
  if (own !== undefined) return step === undefined ? [own] : valuesAt(own, [step, ...rest]);
  if (step === undefined) return [];
  return (node.children ?? []).filter(({ name }) => name === step).flatMap((child) => wantedAt(child, rest));
}

function valuesAt(value: FhirValue, [step, ...rest]: readonly string[]): FhirValue[] {
  if (Array.isArray(value))
    return value.flatMap((one) => valuesAt(one, step === undefined ? [] : [step, ...rest]));
  if (step === undefined) return [value];
  const next = isObject(value) ? value[step] : undefined;
  return next === undefined ? [] : valuesAt(next, rest);
}

/** Whether a value has all that the pattern has. */
export function fits(value: FhirValue, pattern: FhirValue): boolean {
  if (Array.isArray(pattern)) {
    return Array.isArray(value) && pattern.every((one) => value.some((have) => fits(have, one)));
  }
  if (isObject(pattern)) {
    if (!isObject(value)) return false;
    return Object.entries(pattern).every(([name, one]) => {
      const have = value[name];
      return have !== undefined && one !== undefined && fits(have, one);
    });
  }
  return plain(value) === plain(pattern);
}

function plain(value: FhirValue): unknown {
  return value instanceof ExactDecimal ? value.text : value;
}

/** Whether a code, a Coding, a Quantity's unit or one coding of a concept is of the value set; true where its codes are not known. */
export function isBound(value: FhirValue, codes: string, type = "code"): boolean {
  const list = codeList(codes);
  if (list === undefined) return true;
  // Texts of other types are not bound to codes.
  if (typeof value === "string") return type !== "code" || list.has(value);
  if (!isObject(value)) return true;
  const codings = Array.isArray(value.coding) ? value.coding.filter(isObject) : [value];
  return codings.some(
    ({ system, code }) =>
      typeof system === "string" && typeof code === "string" && list.hasCoding(system, code),
  );
}
