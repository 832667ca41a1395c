import { createRequire } from "node:module";

/**
 * A unit as this package needs it: by which rational factor, from which zero and in which dimension it
 * measures.
 */
export interface Unit {
  /** The unit in base units of its dimension, as the UCUM library computed it: a double, near to exact. */
  readonly magnitude: number;
  /** Equal for units of one dimension. */
  readonly dimension: string;
  /** The temperature scale that it is, if it is one: these have zeros of their own. */
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
/** UCUM is defined over printable ASCII without blanks (UCUM §1); the library trims them. */
const UNIT_CHARACTERS = /^[\x21-\x7e]+$/;
/** The library reads `0.kg` as `kg`. */
const ZERO_FACTOR = /(^|[./(])0+($|[./)])/;
const ANNOTATIONS = /\{[^{}]*\}/g;
const TEMPERATURES = ["K", "Cel", "[degF]", "[degR]"] as const;

const CACHE_LIMIT = 1_000;

// Both are memos of pure functions. The library takes 20 ms to load, so: at the first unit that
// is asked for, once.
let parser: UcumParser | undefined;
const cache = new Map<string, Unit | undefined>();

/**
 * Parses a UCUM code (case sensitive form), for example `mm[Hg]`, `{beats}/min`, `[degF]`. Annotations in
 * braces mean nothing (UCUM §12): `{beats}/min`, `1/min` and `/min` are one.
 *
 * @returns undefined for what is not a UCUM unit, and for units without a ratio or a known zero (pH,
 *   decibel) or without a dimension (international units), which cannot be compared
 */
export function parseUnit(code: string): Unit | undefined {
  if (cache.has(code)) return cache.get(code);
  const unit = parse(code);
  // What callers send is a handful of units; the bound is for those who send anything.
  if (cache.size >= CACHE_LIMIT) cache.delete(cache.keys().next().value!);
  cache.set(code, unit);
  return unit;
}

function parse(code: string): Unit | undefined {
  if (code.length > MAX_UNIT_LENGTH || !UNIT_CHARACTERS.test(code) || ZERO_FACTOR.test(code))
    return undefined;
  const unit = parsedByLibrary(code);
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
    // It repairs some mistakes and reports what it made of them: a code that it had to repair is none.
    return understoodAs === code ? unit : null;
  } catch {
    // It throws both for what it refuses and where it trips over itself (`kg()`): neither is a unit.
    return null;
  }
}

/** The parser itself: the library's public door to it prints what the parser throws. */
function loadParser(): UcumParser {
  const library = createRequire(import.meta.url)("@lhncbc/ucum-lhc") as {
    UcumLhcUtils: { getInstance(): { uStrParser_: UcumParser } };
  };
  return library.UcumLhcUtils.getInstance().uStrParser_;
}
