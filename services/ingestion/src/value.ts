import {
  type CodeDefinition,
  checkUnitAgainst,
  DATA_ABSENT_REASON_SYSTEM,
  isCount,
  mantissaBounds,
  parseDecimal,
  type Terminology,
} from "@wellapi/terminology";
import { type Coding, judgeCodings, judgeLength, judgeText } from "./form.ts";
import { MAX_RANGE_TEXT, MAX_REFERENCE_RANGES, MAX_TEXT_VALUE, MAX_UNIT } from "./limits.ts";
import { type Violation, violation } from "./violation.ts";
import { implausible, judgeCodedValue, judgeUnit } from "./vocabulary.ts";

export interface Quantity {
  /** A decimal as text. */
  readonly value: string;
  /** UCUM. */
  readonly unit: string;
}

export interface Range {
  readonly low: Quantity | undefined;
  readonly high: Quantity | undefined;
}

export interface Ratio {
  readonly numerator: Quantity | undefined;
  readonly denominator: Quantity | undefined;
}

export type Value =
  | { readonly kind: "quantity"; readonly quantity: Quantity }
  | { readonly kind: "coded"; readonly coding: Coding }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "boolean" }
  | { readonly kind: "integer"; readonly integer: bigint }
  | { readonly kind: "range"; readonly range: Range }
  | { readonly kind: "ratio"; readonly ratio: Ratio };

/** The usual range. */
export interface ReferenceRange extends Range {
  readonly text: string;
  readonly appliesTo: readonly Coding[];
}

export interface Component {
  readonly coding: Coding | undefined;
  readonly value: Value | undefined;
  readonly absentReason: Coding | undefined;
  readonly interpretations: readonly Coding[];
  readonly referenceRanges: readonly ReferenceRange[];
}

/** A part of a session. */
export interface Segment {
  readonly kind: Coding | undefined;
  /** From the session's start. */
  readonly startOffsetMs: number;
  readonly durationMs: number;
  readonly components: readonly Component[];
}

/** Codes of FHIR R4's data-absent-reason. */
const ABSENT_REASONS = new Set([
  "unknown",
  "asked-unknown",
  "temp-unknown",
  "not-asked",
  "asked-declined",
  "masked",
  "not-applicable",
  "unsupported",
  "as-text",
  "error",
  "not-a-number",
  "negative-infinity",
  "positive-infinity",
  "not-performed",
  "not-permitted",
]);

const MAX_INTEGER = BigInt(Number.MAX_SAFE_INTEGER);

/** Which kinds of value a code takes. */
function kindsOf(definition: CodeDefinition): readonly Value["kind"][] {
  switch (definition.kind) {
    case "quantity":
      return isCount(definition.unit) ? ["quantity", "integer", "range"] : ["quantity", "range"];
    case "components":
    case "session":
      return [];
    default:
      return [definition.kind];
  }
}

/** @param path from the item to what holds the value, empty or with a point at its end */
export function judgeValue(
  terminology: Terminology,
  definition: CodeDefinition,
  value: Value,
  path: string,
  found: Violation[],
): void {
  const field = `${path}${value.kind}`;
  const kinds = kindsOf(definition);
  if (!kinds.includes(value.kind)) {
    const remedy =
      kinds.length === 0 ? "leave it out and send `components`" : `send \`${kinds.join("` or `")}\``;
    found.push(violation(field, "VALUE_WRONG_KIND", remedy));
    return;
  }
  switch (value.kind) {
    case "quantity":
      judgeQuantity(terminology, definition, value.quantity, field, found);
      return;
    case "coded":
      judgeCodedValue(terminology, definition, value.coding, field, found);
      return;
    case "text":
      judgeText(value.text, MAX_TEXT_VALUE, field, found);
      return;
    case "integer":
      judgeInteger(definition, value.integer, field, found);
      return;
    case "range":
      judgeRange(terminology, definition, value.range, field, found);
      return;
    case "ratio":
      judgeRatio(definition, value.ratio, field, found);
  }
}

export function judgeAbsence({ system, code, display }: Coding, field: string, found: Violation[]): void {
  judgeText(display, 200, `${field}.display`, found);
  if (system === DATA_ABSENT_REASON_SYSTEM && ABSENT_REASONS.has(code)) return;
  const remedy = `use ${[...ABSENT_REASONS].join(", ")} with the system ${DATA_ABSENT_REASON_SYSTEM}`;
  found.push(violation(field, "ABSENT_REASON_UNKNOWN", remedy));
}

export function judgeReferenceRanges(
  ranges: readonly ReferenceRange[],
  path: string,
  found: Violation[],
): void {
  const list = `${path}reference_ranges`;
  if (ranges.length === 0 || !judgeLength(ranges, MAX_REFERENCE_RANGES, list, found)) return;
  for (const [index, { low, high, text, appliesTo }] of ranges.entries()) {
    const field = `${list}[${index}]`;
    for (const [name, bound] of Object.entries({ low, high })) {
      if (bound === undefined) continue;
      judgeDigits(bound.value, `${field}.${name}.value`, found);
      judgeText(bound.unit, MAX_UNIT, `${field}.${name}.unit`, found);
    }
    judgeText(text, MAX_RANGE_TEXT, `${field}.text`, found);
    judgeCodings(appliesTo, `${field}.applies_to`, found);
  }
}

function judgeDigits(value: string, field: string, found: Violation[]) {
  const decimal = parseDecimal(value);
  if (typeof decimal !== "string") return decimal;
  found.push(violation(field, decimal === "malformed" ? "DECIMAL_INVALID" : "VALUE_OUT_OF_RANGE"));
  return undefined;
}

function judgeQuantity(
  terminology: Terminology,
  definition: CodeDefinition,
  { value, unit }: Quantity,
  field: string,
  found: Violation[],
): void {
  if (definition.kind !== "quantity") return;
  const fits = judgeUnit(terminology, definition.code, unit, `${field}.unit`, found);
  const decimal = judgeDigits(value, `${field}.value`, found);
  if (!fits || decimal === undefined) return;
  const { low, high } = mantissaBounds(definition.plausible, definition.unit, unit, decimal.scale);
  if (decimal.mantissa < low || decimal.mantissa > high) {
    found.push(implausible(`${field}.value`, definition.plausible, definition.unit));
  }
}

function judgeInteger(definition: CodeDefinition, integer: bigint, field: string, found: Violation[]): void {
  if (integer > MAX_INTEGER || integer < -MAX_INTEGER) {
    found.push(violation(field, "VALUE_OUT_OF_RANGE"));
    return;
  }
  if (definition.kind !== "integer" && definition.kind !== "quantity") return;
  const { plausible } = definition;
  const { low, high } = mantissaBounds(plausible, "", "", 0);
  const unit = definition.kind === "quantity" ? definition.unit : "";
  if (integer < low || integer > high) found.push(implausible(field, plausible, unit));
}

function judgeRange(
  terminology: Terminology,
  definition: CodeDefinition,
  { low, high }: Range,
  field: string,
  found: Violation[],
): void {
  if (low === undefined && high === undefined) {
    found.push(violation(field, "RANGE_INCOMPLETE"));
    return;
  }
  const before = found.length;
  if (low !== undefined) judgeQuantity(terminology, definition, low, `${field}.low`, found);
  if (high !== undefined) judgeQuantity(terminology, definition, high, `${field}.high`, found);
  if (found.length > before || low === undefined || high === undefined) return;
  if (low.unit !== high.unit) found.push(violation(field, "RANGE_UNITS_DIFFER"));
  else if (isGreater(low.value, high.value)) found.push(violation(field, "RANGE_REVERSED"));
}

/** Compares two valid decimals. */
function isGreater(a: string, b: string): boolean {
  const [left, right] = [parseDecimal(a), parseDecimal(b)];
  if (typeof left === "string" || typeof right === "string") return false;
  const scale = Math.max(left.scale, right.scale);
  const at = ({ mantissa, scale: own }: typeof left) => BigInt(mantissa) * 10n ** BigInt(scale - own);
  return at(left) > at(right);
}

function judgeRatio(
  definition: CodeDefinition,
  { numerator, denominator }: Ratio,
  field: string,
  found: Violation[],
): void {
  if (definition.kind !== "ratio") return;
  if (numerator === undefined || denominator === undefined || Number(denominator.value) === 0) {
    found.push(violation(field, "RATIO_INCOMPLETE"));
    return;
  }
  const parts = [
    ["numerator", numerator, definition.numeratorUnit],
    ["denominator", denominator, definition.denominatorUnit],
  ] as const;
  for (const [name, { value, unit }, accepted] of parts) {
    judgeDigits(value, `${field}.${name}.value`, found);
    judgeText(unit, MAX_UNIT, `${field}.${name}.unit`, found);
    const check = checkUnitAgainst(accepted, unit);
    if (check.status === "ok") continue;
    const reason = check.status === "wrong_dimension" ? "UNIT_WRONG_DIMENSION" : "UNIT_UNKNOWN";
    found.push(violation(`${field}.${name}.unit`, reason, check.remedy));
  }
}
