import type { Columns } from "@wellapi/series";
import {
  convertExactly,
  convertMantissas,
  proposalOf,
  type Terminology,
  TerminologyError,
} from "@wellapi/terminology";
import { invalidField } from "../errors.ts";

/** The requested unit; empty: as sent. */
export interface WantedUnit {
  readonly unit: string;
  /** Digits after the point, half-even; undefined: as many as the exact result needs. */
  readonly digits: number | undefined;
}

/**
 * Rejects a unit that does not measure the same as the code. A panel is read as sent, because a request would have to
 * name a unit for each component.
 */
export function checkWantedUnit(terminology: Terminology, code: string, { unit }: WantedUnit): void {
  if (unit === "") return;
  const check = terminology.checkUnit(code, unit);
  if (check.status === "unknown_code") {
    const near = terminology.near(code.slice(code.lastIndexOf("|") + 1));
    throw invalidField("code", proposalOf(near) ?? check.remedy, "CODE_UNKNOWN");
  }
  if (check.status !== "ok") throw invalidField("unit", check.remedy, "UNIT_INVALID");
}

/** Values in the requested unit; values that were sent in it stay as they were sent. */
export function convertColumns(columns: Columns, wanted: WantedUnit): Columns {
  const { values, unit } = columns;
  if (wanted.unit === "" || wanted.unit === unit || values.kind !== "decimal") return columns;
  const { mantissas, scale } = values;
  const { digits } = wanted;
  const converted = outOfRange(() =>
    digits === undefined
      ? convertExactly(mantissas, scale, unit, wanted.unit)
      : { scale: digits, mantissas: convertMantissas(mantissas, scale, unit, wanted.unit, digits) },
  );
  return { ...columns, unit: wanted.unit, values: { kind: "decimal", ...converted } };
}

/** A result that needs more than 53 bits: the requested digits are too many. */
export function outOfRange<T>(convert: () => T): T {
  try {
    return convert();
  } catch (error) {
    if (!(error instanceof TerminologyError)) throw error;
    throw invalidField("digits", "a converted value would need more than 53 bits: ask for fewer digits");
  }
}
