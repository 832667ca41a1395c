/** value = mantissa × 10^−scale, so `98.60` is 9860 at scale 2. */
export interface Decimal {
  /** A safe integer. */
  readonly mantissa: number;
  /** 0 to 9. */
  readonly scale: number;
}

const DECIMAL = /^-?(?:0|[1-9][0-9]{0,15})(?:\.([0-9]{1,9}))?$/;

/** A decimal as people write it: no exponent, no plus, no leading zeros, at most 9 digits after the point. */
export function parseDecimal(text: string): Decimal | "malformed" | "too_large" {
  const parts = DECIMAL.exec(text);
  if (parts === null) return "malformed";
  // No integer of more than 53 bits is rounded to a safe one.
  const mantissa = Number(text.replace(".", "")) + 0; // −0 becomes 0
  return Number.isSafeInteger(mantissa) ? { mantissa, scale: parts[1]?.length ?? 0 } : "too_large";
}
