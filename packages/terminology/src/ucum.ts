import { createRequire } from "node:module";

/** A unit as this package needs it: its rational factor, its zero and its dimension. */
export interface Unit {
  /** The unit in base units of its dimension, as the UCUM library computed it: a double, near to exact. */
  readonly magnitude: number;
  /** Equal for units of one dimension. */
  readonly dimension: string;
  /** Its temperature scale, if it is one: temperature scales have their own zeros. */
  readonly temperature: "K" | "Cel" | "[degF]" | "[degR]" | undefined;
}

/** The few members of ucum-lhc's units and parser that are used; the library ships no types. Its version is pinned. */
interface UcumUnit {
  readonly magnitude_: unknown;
  readonly dim_?: { readonly dimVec_?: unknown } | null;
  readonly cnv_: string | null;
  readonly isArbitrary_: boolean;
  readonly moleExp_: number;
  readonly equivalentExp_: number;
}
interface UcumParser {
  parseString(code: string, mode: "validate", suggest: false): [unit: UcumUnit | null, understoodAs: string];
}

/** Longer units do not occur; the bound keeps hostile ones from the parser. */
const MAX_UNIT_LENGTH = 64;
/** UCUM is defined over printable ASCII without blanks (UCUM §1); the library trims blanks. */
const UNIT_CHARACTERS = /^[\x21-\x7e]+$/;
/** The library reads `0.kg` as `kg`. */
const ZERO_FACTOR = /(^|[./(])0+($|[./)])/;
const ANNOTATIONS = /\{[^{}]*\}/g;
const TEMPERATURES = ["K", "Cel", "[degF]", "[degR]"] as const;

const CACHE_LIMIT = 1_000;

// Both are memos of pure functions. The library takes 20 ms to load, so it is loaded once, for the first unit.
let parser: UcumParser | undefined;
const cache = new Map<string, Unit | undefined>();

/**
 * Parses a UCUM code (case sensitive form), for example `mm[Hg]`, `{beats}/min`, `[degF]`. Annotations in braces are
 * ignored (UCUM §12): `{beats}/min`, `1/min` and `/min` are one unit.
 *
 * @returns undefined for a text that is not a UCUM unit, for units without a ratio or a known zero (pH, decibel), and
 *   for units without a dimension (international units), which cannot be compared
 */
export function parseUnit(code: string): Unit | undefined {
  if (cache.has(code)) return cache.get(code);
  const unit = parse(code);
  // Callers send a handful of units; the bound limits hostile callers.
  if (cache.size >= CACHE_LIMIT) cache.delete(cache.keys().next().value!);
  cache.set(code, unit);
  return unit;
}

/** Whether it is a UCUM code, also one that is not converted here: `[pH]`, `[IU]/L`. */
export function isUnit(code: string): boolean {
  const unit = parsedUnit(code);
  return unit !== null && Array.isArray(unit.dim_?.dimVec_ ?? []) && typeof unit.magnitude_ === "number";
}

function parsedUnit(code: string): UcumUnit | null {
  if (code.length > MAX_UNIT_LENGTH || !UNIT_CHARACTERS.test(code) || ZERO_FACTOR.test(code)) return null;
  return parsedByLibrary(code);
}

function parse(code: string): Unit | undefined {
  const unit = parsedUnit(code);
  if (unit === null) return undefined;
  const magnitude = unit.magnitude_;
  const vector = unit.dim_?.dimVec_;
  // It also finds members of Object.prototype (`constructor`) in its tables: these have no dimension.
  if (
    typeof magnitude !== "number" ||
    !Number.isFinite(magnitude) ||
    magnitude <= 0 ||
    !Array.isArray(vector)
  ) {
    return undefined;
  }
  const temperature = TEMPERATURES.find((scale) => scale === code.replace(ANNOTATIONS, ""));
  if (unit.isArbitrary_ || (unit.cnv_ !== null && temperature === undefined)) return undefined;
  // The library counts moles and equivalents as plain numbers: without their exponents mmol/L would be /L.
  const dimension = [...vector, unit.moleExp_, unit.equivalentExp_].join(",");
  return { magnitude, dimension, temperature };
}

function parsedByLibrary(code: string): UcumUnit | null {
  parser ??= loadParser();
  try {
    const [unit, understoodAs] = parser.parseString(code, "validate", false);
    // It repairs some mistakes and reports the repair: a code that needed one is not a unit.
    return understoodAs === code ? unit : null;
  } catch {
    // It throws for units that it rejects, and also through its own faults (`kg()`): neither is a unit.
    return null;
  }
}

/** The parser itself: the library's public function prints what the parser throws. */
function loadParser(): UcumParser {
  const library = createRequire(import.meta.url)("@lhncbc/ucum-lhc") as {
    UcumLhcUtils: { getInstance(): { uStrParser_: UcumParser } };
  };
  return library.UcumLhcUtils.getInstance().uStrParser_;
}
