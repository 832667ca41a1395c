import { type Decimal, mantissaBounds, parseDecimal, type QuantityCode } from "@wellapi/terminology";
import { MAX_SCALE } from "./limits.ts";
import { firstViolation, type Violation, violation } from "./violation.ts";
import { implausible } from "./vocabulary.ts";

/** Numbers in one of three forms; the other two are empty. */
export interface DecimalColumn {
  readonly scale: number;
  /** 32 bits by their type. */
  readonly mantissas: readonly number[];
  readonly wideMantissas: readonly bigint[];
  /** Decimals as text. */
  readonly texts: readonly string[];
}

type Form = "mantissas" | "wide_mantissas" | "values";

const MAX_MANTISSA = BigInt(Number.MAX_SAFE_INTEGER);

export function lengthOf({ mantissas, wideMantissas, texts }: DecimalColumn): number {
  return Math.max(mantissas.length, wideMantissas.length, texts.length);
}

/** What the contract calls the list that holds the numbers. */
export function formOf({ wideMantissas, texts }: DecimalColumn): Form {
  return texts.length > 0 ? "values" : wideMantissas.length > 0 ? "wide_mantissas" : "mantissas";
}

/**
 * The entries of a column, and whether a body can have them.
 *
 * @param quantity the range for the values, with their unit; absent where the code or the unit is wrong
 */
export function judgeDecimals(
  column: DecimalColumn,
  quantity: { readonly definition: QuantityCode; readonly unit: string } | undefined,
  field: string,
  found: Violation[],
): void {
  const { scale, mantissas, wideMantissas, texts } = column;
  const before = found.length;
  const forms = [mantissas, wideMantissas, texts].filter(({ length }) => length > 0).length;
  if (forms > 1 || (texts.length > 0 && scale !== 0)) {
    found.push(violation(field, "COLUMNS_MIXED"));
    return;
  }
  if (!Number.isInteger(scale) || scale < 0 || scale > MAX_SCALE) {
    found.push(violation(`${field}.scale`, "SCALE_OUT_OF_RANGE"));
  }
  const decimals = parseTexts(texts, `${field}.values`, found);
  judgeWide(wideMantissas, `${field}.wide_mantissas`, found);
  if (found.length > before || quantity === undefined) return;
  const { definition, unit } = quantity;
  const bounds = (digits: number) => mantissaBounds(definition.plausible, definition.unit, unit, digits);
  const entry = `${field}.${formOf(column)}`;
  if (texts.length > 0) {
    const outside = (at: number) => {
      const { mantissa, scale: digits } = decimals[at]!;
      const { low, high } = bounds(digits);
      return mantissa < low || mantissa > high;
    };
    judgeEach(texts.length, outside, entry, definition, found);
    return;
  }
  const { low, high } = bounds(scale);
  if (wideMantissas.length > 0) {
    const outside = (at: number) => Number(wideMantissas[at]) < low || Number(wideMantissas[at]) > high;
    judgeEach(wideMantissas.length, outside, entry, definition, found);
    return;
  }
  judgeEach(
    mantissas.length,
    (at) => mantissas[at]! < low || mantissas[at]! > high,
    entry,
    definition,
    found,
  );
}

function judgeEach(
  length: number,
  outside: (at: number) => boolean,
  field: string,
  { plausible, unit }: QuantityCode,
  found: Violation[],
): void {
  let first = -1;
  let count = 0;
  for (let i = 0; i < length; i++) {
    if (!outside(i)) continue;
    if (count === 0) first = i;
    count++;
  }
  if (count > 0) found.push(implausible(`${field}[${first}]`, plausible, unit, count));
}

/** Empty where one is wrong. All entries share one scale, the finest. */
function parseTexts(texts: readonly string[], field: string, found: Violation[]): readonly Decimal[] {
  if (texts.length === 0) return [];
  const decimals: Decimal[] = [];
  const wrong = { malformed: [] as number[], too_large: [] as number[] };
  for (const [index, text] of texts.entries()) {
    const decimal = parseDecimal(text);
    if (typeof decimal === "string") wrong[decimal].push(index);
    else decimals.push(decimal);
  }
  const finest = decimals.reduce((most, { scale }) => Math.max(most, scale), 0);
  for (const [index, { mantissa, scale }] of decimals.length === texts.length ? decimals.entries() : []) {
    if (!Number.isSafeInteger(mantissa * 10 ** (finest - scale))) wrong.too_large.push(index);
  }
  const { malformed, too_large } = wrong;
  if (malformed.length > 0) {
    found.push(firstViolation(`${field}[${malformed[0]}]`, "DECIMAL_INVALID", malformed.length));
  }
  if (too_large.length > 0) {
    found.push(firstViolation(`${field}[${too_large[0]}]`, "VALUE_OUT_OF_RANGE", too_large.length));
  }
  return malformed.length + too_large.length > 0 ? [] : decimals;
}

function judgeWide(mantissas: readonly bigint[], field: string, found: Violation[]): void {
  let first = -1;
  let wrong = 0;
  for (let i = 0; i < mantissas.length; i++) {
    const mantissa = mantissas[i]!;
    if (mantissa > MAX_MANTISSA || mantissa < -MAX_MANTISSA) {
      if (wrong === 0) first = i;
      wrong++;
    }
  }
  if (wrong > 0) found.push(firstViolation(`${field}[${first}]`, "VALUE_OUT_OF_RANGE", wrong));
}
