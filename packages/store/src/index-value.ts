import { StoreError } from "./errors.ts";
import type { IndexValue } from "./port.ts";

/** True for what both engines order alike: well-formed strings, safe integers, booleans. */
export function isIndexValue(value: unknown): value is IndexValue {
  if (typeof value === "string") return value.isWellFormed();
  return typeof value === "boolean" || Number.isSafeInteger(value);
}

/** Throws `invalid` with the name of the place, never with the value. */
export function checkIndexValue(value: unknown, place: string): asserts value is IndexValue {
  if (isIndexValue(value)) return;
  throw new StoreError("invalid", `${place} must be a well-formed string, a safe integer or a boolean`);
}
