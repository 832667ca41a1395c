import {
  type CategorySet,
  type CodeDefinition,
  type Concept,
  LOINC,
  type QuantityCode,
  type Sensitivity,
  sensitivities as sensitivityNames,
} from "./definition.ts";
import { readRecordRules } from "./record-rules-document.ts";
import { TerminologyError } from "./terminology-error.ts";

/** A JSON document of codes and of versions of categories. */
export interface TerminologyDocument {
  /** Names the document in errors, e.g. its file. */
  readonly name: string;
  /** Parsed JSON. */
  readonly content: unknown;
}

/** The content of all documents together. */
export interface Definitions {
  readonly codes: readonly CodeDefinition[];
  /** By category, each category's versions ascending from 1. */
  readonly sets: readonly CategorySet[];
  /** Of the categories that are not normal. */
  readonly sensitivities?: ReadonlyMap<string, Sensitivity>;
}

type Fields = Readonly<Record<string, unknown>>;
type Tell = (what: string) => void;

const KINDS = new Set(["quantity", "coded", "components", "session", "integer", "ratio", "text", "boolean"]);
const CODE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const CATEGORY = /^[a-z][a-z_]{1,31}$/;
const DECIMAL = /^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$/;

/**
 * Reads the documents in their order. A code, and a version of a category, is defined once over all of them, so that
 * nobody can edit what another document, ours or one's own, has published.
 *
 * @throws TerminologyError `invalid_data` that names all that is wrong
 */
export function readDocuments(documents: readonly TerminologyDocument[]): Definitions {
  const problems: string[] = [];
  const codes: CodeDefinition[] = [];
  const sets: CategorySet[] = [];
  const sensitivities = new Map<string, Sensitivity>();
  for (const { name, content } of documents) {
    const tell: Tell = (what) => problems.push(`${name}: ${what}`);
    if (!isFields(content)) {
      tell("is no JSON object");
      continue;
    }
    for (const member of Object.keys(content)) {
      if (!["title", "sources", "codes", "sets", "sensitivities"].includes(member))
        tell(`${member} is not known`);
    }
    codes.push(
      ...listOf(content, "codes", tell).flatMap((one, i) => readCode(one, within(tell, `codes[${i}]`))),
    );
    sets.push(...listOf(content, "sets", tell).flatMap((one, i) => readSet(one, within(tell, `sets[${i}]`))));
    readSensitivities(content, sensitivities, tell);
  }
  const ordered = [...sets].sort((a, b) => a.version - b.version);
  checkTogether(codes, ordered, problems);
  for (const category of sensitivities.keys()) {
    if (!sets.some((set) => set.category === category)) {
      problems.push(`the sensitivity of ${category} is told, which is no category`);
    }
  }
  if (problems.length > 0) {
    throw new TerminologyError("invalid_data", `the terminology cannot be used:\n  ${problems.join("\n  ")}`);
  }
  return { codes, sets: ordered, sensitivities };
}

function checkTogether(
  codes: readonly CodeDefinition[],
  sets: readonly CategorySet[],
  problems: string[],
): void {
  const known = new Set<string>();
  const all = codes.flatMap<CodeDefinition>((one) =>
    one.kind === "components" ? [one, ...one.components] : [one],
  );
  for (const { code } of all) {
    if (known.has(code)) {
      problems.push(`the code ${code} is defined twice: what is published is never changed`);
    }
    known.add(code);
  }
  const stored = new Set(codes.map(({ code }) => code));
  const reached = new Map<string, number>();
  for (const { category, version, codes: listed } of sets) {
    const last = reached.get(category) ?? 0;
    if (version === last) {
      problems.push(`${category} version ${version} is defined twice: what is published is never changed`);
    } else if (version !== last + 1) problems.push(`${category} has a version ${version} but no ${last + 1}`);
    reached.set(category, Math.max(last, version));
    for (const code of listed) {
      if (!stored.has(code))
        problems.push(`${category} version ${version} lists ${code}, which is not defined`);
    }
  }
}

/** Told once over all documents: nobody can make what another document has published less sensitive. */
function readSensitivities(
  { sensitivities = {} }: Fields,
  known: Map<string, Sensitivity>,
  tell: Tell,
): void {
  const told = isFields(sensitivities)
    ? Object.entries(sensitivities)
    : nothing(tell, "sensitivities must be an object");
  for (const [category, name] of told) {
    const sensitivity = sensitivityNames.find((one) => one === name);
    if (sensitivity === undefined) {
      tell(`sensitivities.${category} must be one of ${sensitivityNames.join(", ")}`);
    } else if (known.has(category)) tell(`the sensitivity of ${category} is told twice`);
    else known.set(category, sensitivity);
  }
}

function readSet(value: unknown, tell: Tell): CategorySet[] {
  if (!isFields(value)) return nothing(tell, "is no object");
  const { category, version, codes } = value;
  if (typeof category !== "string" || !CATEGORY.test(category)) {
    return nothing(tell, "category must be lower-case letters and underscores, 2 to 32");
  }
  if (!Number.isInteger(version) || (version as number) < 1)
    return nothing(tell, "version must be 1 or more");
  const records = value.records === undefined ? undefined : readRecordRules(value.records, tell);
  const least = records === undefined ? 1 : 0;
  if (!Array.isArray(codes) || codes.length < least || !codes.every((code) => typeof code === "string")) {
    return nothing(tell, "codes must be a list of codes");
  }
  if (new Set(codes).size < codes.length) return nothing(tell, "lists a code twice");
  return [{ category, version: version as number, codes, ...(records && { records }) }];
}

function readCode(value: unknown, tell: Tell): CodeDefinition[] {
  if (!isFields(value)) return nothing(tell, "is no object");
  const { system, code, display, kind } = value;
  if (typeof system !== "string" || system === "" || system.length > 200)
    return nothing(tell, "system must be a URI");
  if (typeof code !== "string" || !CODE.test(code))
    return nothing(tell, "code must be 1 to 64 letters and digits");
  if (typeof display !== "string" || display === "" || display.length > 200) {
    return nothing(tell, "display must be 1 to 200 characters");
  }
  if (typeof value.source !== "string" || value.source === "")
    return nothing(tell, "source must say where it is from");
  if (typeof kind !== "string" || !KINDS.has(kind))
    return nothing(tell, `kind must be one of ${[...KINDS].join(", ")}`);
  if (system === LOINC && !hasCheckDigit(code))
    return nothing(tell, `${code} has not the check digit of a LOINC code`);
  const base = { system, code, display };
  switch (kind) {
    case "quantity": {
      const plausible = readRange(value.plausible, within(tell, "plausible"));
      if (typeof value.unit !== "string" || value.unit === "")
        return nothing(tell, "unit must be a UCUM unit");
      return plausible.map((range) => ({ ...base, kind, unit: value.unit as string, plausible: range }));
    }
    case "integer":
      return readRange(value.plausible, within(tell, "plausible")).map((plausible) => ({
        ...base,
        kind,
        plausible,
      }));
    case "ratio": {
      const { numeratorUnit, denominatorUnit } = value;
      if (typeof numeratorUnit !== "string" || typeof denominatorUnit !== "string") {
        return nothing(tell, "numeratorUnit and denominatorUnit must be UCUM units");
      }
      return [{ ...base, kind, numeratorUnit, denominatorUnit }];
    }
    case "coded": {
      const values = readConcepts(value.values, within(tell, "values"));
      if (typeof value.valueSystem !== "string") return nothing(tell, "valueSystem must be a URI");
      return values.length === 0 ? [] : [{ ...base, kind, valueSystem: value.valueSystem, values }];
    }
    case "session": {
      const segments = readConcepts(value.segments, within(tell, "segments"));
      if (typeof value.segmentSystem !== "string") return nothing(tell, "segmentSystem must be a URI");
      return segments.length === 0 ? [] : [{ ...base, kind, segmentSystem: value.segmentSystem, segments }];
    }
    case "components": {
      const components = listOf(value, "components", tell).flatMap((one, i) =>
        readCode(one, within(tell, `components[${i}]`)),
      );
      if (
        components.length < 1 ||
        components.length > 8 ||
        components.some((one) => one.kind !== "quantity")
      ) {
        return nothing(tell, "components must be 1 to 8 codes of the kind quantity");
      }
      return [{ ...base, kind, components: components as QuantityCode[] }];
    }
    default:
      return [{ ...base, kind: kind as "text" | "boolean" }];
  }
}

function readRange(value: unknown, tell: Tell): { readonly low: string; readonly high: string }[] {
  if (!isFields(value)) return nothing(tell, "must name low, high and source");
  const { low, high, source } = value;
  const decimals = [low, high].every((bound) => typeof bound === "string" && DECIMAL.test(bound));
  if (!decimals) return nothing(tell, "low and high must be decimals as text");
  if (!(Number(low) < Number(high))) return nothing(tell, "low must be less than high");
  if (typeof source !== "string" || source === "")
    return nothing(tell, "source must say where the bounds are from");
  return [{ low: low as string, high: high as string }];
}

function readConcepts(value: unknown, tell: Tell): Concept[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 256)
    return nothing(tell, "must be 1 to 256 concepts");
  const concepts = value.flatMap((one): Concept[] => {
    if (!isFields(one) || typeof one.code !== "string" || typeof one.display !== "string") {
      return nothing(tell, "each has a code and a display");
    }
    return CODE.test(one.code)
      ? [{ code: one.code, display: one.display }]
      : nothing(tell, "a code is malformed");
  });
  if (new Set(concepts.map(({ code }) => code)).size < concepts.length)
    return nothing(tell, "has a code twice");
  return concepts;
}

/** LOINC's last digit is a Luhn check digit over the digits before it: it finds a mistyped code. */
function hasCheckDigit(code: string): boolean {
  const parts = /^([0-9]{1,7})-([0-9])$/.exec(code);
  if (parts === null) return false;
  const sum = [...parts[1]!]
    .reverse()
    .map((digit, i) => (i % 2 === 0 ? Number(digit) * 2 : Number(digit)))
    .reduce((total, n) => total + (n > 9 ? n - 9 : n), 0);
  return (10 - (sum % 10)) % 10 === Number(parts[2]);
}

function listOf(content: Fields, member: string, tell: Tell): readonly unknown[] {
  const list = content[member] ?? [];
  return Array.isArray(list) ? list : nothing(tell, `${member} must be a list`);
}

function within(tell: Tell, path: string): Tell {
  return (what) => tell(`${path}${/^[a-z]+\[/.test(what) ? "." : " "}${what}`);
}

function nothing(tell: Tell, what: string): never[] {
  tell(what);
  return [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
