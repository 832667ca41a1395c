import { type Exact, exactDecimal } from "./decimal.ts";
import type { Fields } from "./fields.ts";
import type { Findings } from "./findings.ts";
import type { Quantity } from "./point.ts";

/** A row of a mapping table: where a vendor's field goes. */
export interface Target {
  /** LOINC. */
  readonly code: string;
  /** UCUM, of the vendor's number. */
  readonly unit: string;
}

const wrongDigits = {
  malformed: ["DECIMAL_INVALID", "is no decimal"],
  too_fine: [
    "DECIMAL_TOO_FINE",
    "can't be kept exactly: at most 16 digits, 9 of them after the point; round it before you send it",
  ],
} as const satisfies Readonly<Record<string, readonly [reason: string, description: string]>>;

/** The number of a field; undefined where it is missing or, refused, wrong. */
export function quantityOf(
  fields: Fields,
  name: string,
  { code, unit }: Target,
  findings: Findings,
  read: (digits: string) => Exact = exactDecimal,
): Quantity | undefined {
  const digits = fields.digits(name);
  if (digits === undefined) return undefined;
  const decimal = read(digits);
  if (typeof decimal === "string") {
    const [reason, description] = wrongDigits[decimal];
    findings.refuse(pathOf(fields, name), reason, description);
    return undefined;
  }
  return { code, unit, decimal };
}

export function pathOf({ path }: Fields, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** As text, with the digits that the vendor wrote. */
export function decimalText({ decimal: { mantissa, scale } }: Quantity): string {
  const digits = String(Math.abs(mantissa)).padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  return `${mantissa < 0 ? "-" : ""}${whole}${scale === 0 ? "" : `.${digits.slice(-scale)}`}`;
}

/** For an observation's or a component's value. */
export function quantityValue(quantity: Quantity) {
  return {
    case: "quantity" as const,
    value: { value: decimalText(quantity), unit: quantity.unit },
  };
}
