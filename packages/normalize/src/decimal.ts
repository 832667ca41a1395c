import { type Decimal, parseDecimal } from "@wellapi/terminology";
import { Big } from "big.js";

/** A decimal that can be stored, or why there is none. */
export type Exact = (Decimal & { readonly text: string }) | "malformed" | "too_fine";

/** As JSON and XML write numbers, without what JSON has not (`+1`, `.5`). */
const NUMBER = /^-?(?:0|[1-9]\d{0,30})(?:\.\d{1,60})?(?:[eE][+-]?\d{1,2})?$/;

/** A vendor's number, exact: an exponent is written out, and nothing is rounded. */
export function exactDecimal(text: string): Exact {
  if (!NUMBER.test(text)) return "malformed";
  return stored(/[eE]/.test(text) ? new Big(text).toFixed() : text);
}

/** value × 10^exponent, with the digits that the exponent says: 74126 × 10^−3 is 74.126, and 1000 × 10^−3 is 1.000. */
export function scaledDecimal(value: string, exponent: string): Exact {
  const power = Number(exponent);
  if (!/^-?(0|[1-9]\d*)$/.test(value) || !Number.isInteger(power)) return "malformed";
  if (Math.abs(power) > 9) return "too_fine";
  const scaled = new Big(value).times(new Big(10).pow(power));
  return stored(power < 0 ? scaled.toFixed(-power) : scaled.toFixed());
}

/**
 * A number that its vendor may keep in 32 bits and write as one of 64: 72.0999984741211 stands for 72.1. One that can be stored
 * is taken as it is written; else it is the shortest decimal that 32 bits hold as the same number, where they hold it.
 */
export function singleDecimal(text: string): Exact {
  const exact = exactDecimal(text);
  const value = Number(text);
  if (exact !== "too_fine" || Math.fround(value) !== value) return exact;
  for (let digits = 1; digits <= 9; digits++) {
    const short = value.toPrecision(digits);
    if (Math.fround(Number(short)) === value) return stored(new Big(short).toFixed());
  }
  return exact;
}

function stored(text: string): Exact {
  const decimal = parseDecimal(text);
  return typeof decimal === "string" ? "too_fine" : { ...decimal, text };
}
