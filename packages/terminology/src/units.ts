import { Big } from "big.js";
import type { CodeDefinition, PlausibleRange } from "./definition.ts";
import { TerminologyError } from "./terminology-error.ts";
import { parseUnit, type Unit } from "./ucum.ts";

/** Whether a unit may be sent with a code, and if not, what to do. */
export type UnitCheck =
  | { readonly status: "ok" }
  | {
      readonly status: "unknown_code" | "unknown_unit" | "wrong_dimension";
      /** For the caller's developer; holds nothing that the caller sent. */
      readonly remedy: string;
    };

const OK: UnitCheck = { status: "ok" };

/**
 * Checks the unit of a code or of a component. Any unit of the same dimension is welcome: it is stored as
 * sent. Coded values and panels have no unit of their own: theirs is "". Counts (`{steps}`) take whole units
 * only, since `%` of a step is a mistake though UCUM gives both no dimension.
 *
 * @param unit UCUM
 */
export function checkUnitOf(definition: CodeDefinition | undefined, unit: string): UnitCheck {
  if (definition === undefined) {
    return { status: "unknown_code", remedy: "use one of the accepted codes" };
  }
  if (definition.kind !== "quantity") {
    if (unit === "") return OK;
    return { status: "wrong_dimension", remedy: "leave the unit empty: this code's values carry their own" };
  }
  return checkUnitAgainst(definition.unit, unit);
}

/** As `checkUnitOf`, for a unit that is accepted already. */
export function checkUnitAgainst(accepted: string, unit: string): UnitCheck {
  const parsed = parseUnit(unit);
  const target = parseUnit(accepted)!;
  if (parsed && isCommensurable(parsed, target) && (!isCount(accepted) || parsed.magnitude === 1)) return OK;
  const remedy = `use \`${accepted}\` or a UCUM unit that converts to it`;
  return { status: parsed ? "wrong_dimension" : "unknown_unit", remedy };
}

/** The unit of a count is only an annotation. */
export function isCount(unit: string): boolean {
  return unit.startsWith("{") && unit.endsWith("}");
}

/**
 * Converts one number exactly and rounds once, half to even.
 *
 * For the sum of several values pass their number as `terms`: between temperature scales each term moves
 * the zero once more.
 *
 * @param value mantissa × 10^-scale; the result's mantissa is of the same type
 * @param digits decimal places of the result, 0 to 9; it becomes its scale
 * @throws TerminologyError `unknown_unit`, `not_convertible`; `out_of_range` for digits, or for a `number`
 *   result beyond ±(2^53 − 1)
 */
export function convertDecimal(
  value: { readonly mantissa: number; readonly scale: number },
  fromUnit: string,
  toUnit: string,
  digits: number,
  terms?: number,
): { mantissa: number; scale: number };
export function convertDecimal(
  value: { readonly mantissa: bigint; readonly scale: number },
  fromUnit: string,
  toUnit: string,
  digits: number,
  terms?: number,
): { mantissa: bigint; scale: number };
export function convertDecimal(
  value: { readonly mantissa: number | bigint; readonly scale: number },
  fromUnit: string,
  toUnit: string,
  digits: number,
  terms = 1,
): { mantissa: number | bigint; scale: number } {
  const mantissa = scaledResult(value, ratioBetween(fromUnit, toUnit), digits, terms);
  return typeof value.mantissa === "bigint"
    ? { mantissa: BigInt(mantissa.toFixed()), scale: digits }
    : { mantissa: safeNumber(mantissa), scale: digits };
}

/**
 * Converts a column: as `convertDecimal` does for each mantissa, for less.
 *
 * @param mantissas safe integers; not changed
 * @returns the mantissas at scale `digits`
 * @throws TerminologyError as `convertDecimal`
 */
export function convertMantissas(
  mantissas: Float64Array,
  scale: number,
  fromUnit: string,
  toUnit: string,
  digits: number,
): Float64Array {
  const ratio = ratioBetween(fromUnit, toUnit);
  // Sensor values repeat: a month of heart rates has some hundred distinct ones.
  const known = new Map<number, number>();
  return mantissas.map((mantissa) => {
    let converted = known.get(mantissa);
    if (converted === undefined) {
      converted = safeNumber(scaledResult({ mantissa, scale }, ratio, digits, 1));
      known.set(mantissa, converted);
    }
    return converted;
  });
}

/**
 * Converts a column to as many digits as its exact results need: at least those of `scale`, at most 9, and fewer
 * where a result would need more than 53 bits. A result with more digits than that is rounded once, half to even.
 *
 * @param mantissas safe integers; not changed
 * @throws TerminologyError as `convertDecimal`, `out_of_range` only where whole numbers are too large
 */
export function convertExactly(
  mantissas: Float64Array,
  scale: number,
  fromUnit: string,
  toUnit: string,
): { mantissas: Float64Array; scale: number } {
  const ratio = ratioBetween(fromUnit, toUnit);
  const known = new Map<number, Big>();
  let needed = scale;
  for (const mantissa of mantissas) {
    if (known.has(mantissa)) continue;
    const result = scaledResult({ mantissa, scale }, ratio, MAX_DIGITS, 1);
    known.set(mantissa, result);
    if (needed < MAX_DIGITS) needed = Math.max(needed, MAX_DIGITS - trailingZeros(result));
  }
  for (let digits = needed; ; digits--) {
    const results = resultsOf(known, scale, ratio, digits, needed);
    if (results !== undefined) return { mantissas: mantissas.map((one) => results.get(one)!), scale: digits };
  }
}

/** Undefined where a result needs more than 53 bits and fewer digits are allowed. */
function resultsOf(
  exact: ReadonlyMap<number, Big>,
  scale: number,
  ratio: Ratio,
  digits: number,
  needed: number,
): Map<number, number> | undefined {
  const results = new Map<number, number>();
  for (const [mantissa, result] of exact) {
    // Removes only zeros, down to the digits that are needed.
    const scaled =
      digits === needed
        ? result.div(TENS[MAX_DIGITS - digits]!)
        : scaledResult({ mantissa, scale }, ratio, digits, 1);
    const number = scaled.toNumber();
    if (!Number.isSafeInteger(number)) {
      if (digits > 0) return undefined;
      throw tooLarge();
    }
    results.set(mantissa, number + 0);
  }
  return results;
}

/** Digits of a whole number. */
function trailingZeros({ c, e }: Big): number {
  if (c[0] === 0) return MAX_DIGITS;
  return Math.min(MAX_DIGITS, Math.max(0, e + 1 - c.length));
}

/** Bounds of values as mantissas: a safe-integer mantissa is inside where `low <= mantissa <= high`. */
export interface MantissaBounds {
  readonly low: number;
  readonly high: number;
}

const MAX_BOUNDS = 100;
/** By range, then by units and scale. A memo of a pure function. */
const bounds = new WeakMap<PlausibleRange, Map<string, MantissaBounds>>();

/**
 * The mantissas that stand for values inside a range, in a unit and a scale: exact, so a value is inside if and only if
 * its conversion is.
 *
 * @param rangeUnit unit of the range, UCUM; empty with an empty `unit` where numbers have none
 * @param unit one that converts to it (`checkUnitOf`)
 * @param scale 0 to 9
 */
export function mantissaBounds(
  range: PlausibleRange,
  rangeUnit: string,
  unit: string,
  scale: number,
): MantissaBounds {
  let ofRange = bounds.get(range);
  if (ofRange === undefined) {
    ofRange = new Map();
    bounds.set(range, ofRange);
  }
  // Units have no blanks, so a blank separates the parts of the key.
  const key = `${scale} ${unit} ${rangeUnit}`;
  const known = ofRange.get(key);
  if (known !== undefined) return known;
  const ratio = unit === rangeUnit ? SAME : ratioBetween(unit, rangeUnit);
  const made = {
    low: numberOf(firstMantissa(new Big(range.low), ratio, scale, (converted, low) => converted.gte(low))),
    high: numberOf(
      firstMantissa(new Big(range.high), ratio, scale, (converted, high) => converted.gt(high)).minus(1),
    ),
  };
  // Callers send a handful of units; the bound limits hostile callers.
  if (ofRange.size >= MAX_BOUNDS) ofRange.delete(ofRange.keys().next().value!);
  ofRange.set(key, made);
  return made;
}

/** The least mantissa whose conversion is beyond the bound; conversions ascend. */
function firstMantissa(
  bound: Big,
  ratio: Ratio,
  scale: number,
  beyond: (converted: Big, bound: Big) => boolean,
): Big {
  const power = new Big(10).pow(scale);
  const isBeyond = (mantissa: Big) =>
    beyond(
      mantissa.div(power).plus(ratio.before).times(ratio.multiply),
      bound.plus(ratio.after).times(ratio.divide),
    );
  let mantissa = bound
    .plus(ratio.after)
    .times(ratio.divide)
    .div(ratio.multiply)
    .minus(ratio.before)
    .times(power)
    .round(0);
  // The division was rounded, so the result is at most some steps away.
  while (isBeyond(mantissa)) mantissa = mantissa.minus(1);
  while (!isBeyond(mantissa)) mantissa = mantissa.plus(1);
  return mantissa;
}

/**
 * Beyond the safe integers the result may be rounded, but never into them: the comparison with a safe integer stays
 * right.
 */
function numberOf(mantissa: Big): number {
  return mantissa.toNumber() + 0; // −0 becomes 0
}

/** How to get from one unit to another, exactly: y = ((x + before) × multiply) ÷ divide − after. */
interface Ratio {
  readonly before: Big;
  readonly multiply: Big;
  readonly divide: Big;
  readonly after: Big;
}

const ZERO = new Big(0);
const ONE = new Big(1);
const SAME: Ratio = { before: ZERO, multiply: ONE, divide: ONE, after: ZERO };
const HALF_EVEN = 2; // big.js: roundHalfEven
const MAX_DIGITS = 9;
const TENS = Array.from({ length: MAX_DIGITS + 1 }, (_, digits) => new Big(10).pow(digits));

/**
 * big.js takes the precision of a division from its constructor, so there is one constructor for each number of
 * digits.
 */
const bigOfDigits = Array.from({ length: 10 }, (_, digits) => {
  const Rounding = Big();
  Rounding.DP = digits;
  Rounding.RM = HALF_EVEN;
  return Rounding;
});

function scaledResult(
  value: { readonly mantissa: number | bigint; readonly scale: number },
  ratio: Ratio,
  digits: number,
  terms: number,
): Big {
  const Rounded = bigOfDigits[digits];
  if (Rounded === undefined) {
    throw new TerminologyError("out_of_range", "digits must be an integer from 0 to 9");
  }
  const exact = new Big(`${value.mantissa}e${-value.scale}`);
  // All terms over one denominator, so that nothing is rounded before the end.
  const numerator = exact
    .plus(ratio.before.times(terms))
    .times(ratio.multiply)
    .minus(ratio.after.times(terms).times(ratio.divide));
  return new Rounded(numerator).div(ratio.divide).times(new Big(10).pow(digits));
}

function safeNumber(mantissa: Big): number {
  const number = mantissa.toNumber();
  if (!Number.isSafeInteger(number)) {
    throw tooLarge();
  }
  return number + 0; // −0 becomes 0
}

function tooLarge(): TerminologyError {
  return new TerminologyError(
    "out_of_range",
    "the converted value needs more than 53 bits: ask for fewer digits",
  );
}

function ratioBetween(fromUnit: string, toUnit: string): Ratio {
  const from = parseUnit(fromUnit);
  const to = parseUnit(toUnit);
  if (from === undefined || to === undefined) {
    throw new TerminologyError("unknown_unit", "not a UCUM unit that can be converted");
  }
  if (!isCommensurable(from, to)) {
    throw new TerminologyError("not_convertible", "the units do not measure the same");
  }
  return from.temperature !== undefined && to.temperature !== undefined
    ? temperatureRatio(from.temperature, to.temperature)
    : plainRatio(from, to);
}

/** Kelvin = (x + zero) × multiply ÷ divide (UCUM table 12 and its special units). */
const TEMPERATURE_SCALES = {
  K: { zero: ZERO, multiply: ONE, divide: ONE },
  Cel: { zero: new Big("273.15"), multiply: ONE, divide: ONE },
  "[degF]": { zero: new Big("459.67"), multiply: new Big(5), divide: new Big(9) },
  "[degR]": { zero: ZERO, multiply: new Big(5), divide: new Big(9) },
} as const;

function temperatureRatio(from: keyof typeof TEMPERATURE_SCALES, to: keyof typeof TEMPERATURE_SCALES): Ratio {
  const a = TEMPERATURE_SCALES[from];
  const b = TEMPERATURE_SCALES[to];
  return {
    before: a.zero,
    multiply: a.multiply.times(b.divide),
    divide: a.divide.times(b.multiply),
    after: b.zero,
  };
}

function plainRatio(from: Unit, to: Unit): Ratio {
  const factor = from.magnitude / to.magnitude;
  const direct = shortDecimal(factor);
  if (direct !== undefined) return { before: ZERO, multiply: direct, divide: ONE, after: ZERO };
  const inverse = shortDecimal(1 / factor);
  if (inverse !== undefined) return { before: ZERO, multiply: ONE, divide: inverse, after: ZERO };
  return { before: ZERO, multiply: new Big(factor.toPrecision(15)), divide: ONE, after: ZERO };
}

/**
 * Whether both are of one dimension. A temperature scale with its own zero converts only to another scale that is
 * known here (not to a millikelvin: nobody measures so).
 */
function isCommensurable(a: Unit, b: Unit): boolean {
  if (a.dimension !== b.dimension) return false;
  const bothScales = a.temperature !== undefined && b.temperature !== undefined;
  return bothScales || !(isShifted(a) || isShifted(b));
}

function isShifted(unit: Unit): boolean {
  return unit.temperature === "Cel" || unit.temperature === "[degF]";
}

/**
 * Units are defined by short decimals (1 [lb_av] = 0.45359237 kg) or whole numbers (1 h = 60 min), but the library
 * multiplies doubles: 2.5400000000000005. This finds the defined number, at most 12 digits long, where the double is
 * within its rounding errors of one.
 */
function shortDecimal(factor: number): Big | undefined {
  const text = factor.toPrecision(12);
  return Math.abs(Number(text) - factor) <= Math.abs(factor) * 4e-15 ? new Big(text) : undefined;
}
