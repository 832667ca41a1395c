import {
  type CategorySet,
  type CodeDefinition,
  type CodeRule,
  LOINC,
  type Sensitivity,
} from "./definition.ts";

/** A coding as it stands somewhere in a resource. */
export interface CodingInRecord {
  /** URI; empty where the resource names none. */
  readonly system: string;
  readonly code: string;
  /** Type of the innermost resource that it stands in. */
  readonly type: string;
}

/** What of a FHIR R4 resource its classes depend on. */
export interface RecordContent {
  /** Types of the resource and of all resources inside it. */
  readonly types: readonly string[];
  /** All codings, wherever they stand. */
  readonly codings: readonly CodingInRecord[];
  /** The observations among the resources: the codings of `code` and of components' `code`, and the codes of `category`. */
  readonly observations: ReadonlyArray<{
    readonly codes: ReadonlyArray<{ readonly system: string; readonly code: string }>;
    readonly categories: readonly string[];
  }>;
}

export type RecordClasses =
  | { readonly keys: readonly string[] }
  /** A resource type of which nothing here says where it belongs. */
  | { readonly outside: string };

/** `<category>@<version>`, for each version of a category. */
export function keysOfCategory(category: string, version: number): string[] {
  return Array.from({ length: version }, (_, i) => `${category}@${i + 1}`);
}

/** The category of a key; undefined for a code. */
export function categoryOfKey(key: string): string | undefined {
  const at = key.lastIndexOf("@");
  return at < 0 ? undefined : key.slice(0, at);
}

/** Whether a version of a category holds a key: a later version holds what an earlier one does. */
export function isKeyWithin(key: string, category: string, version: number): boolean {
  if (categoryOfKey(key) !== category) return false;
  const first = Number(key.slice(category.length + 1));
  return Number.isInteger(first) && first >= 1 && first <= version;
}

interface ClassifierDeps {
  readonly codes: readonly CodeDefinition[];
  readonly sets: readonly CategorySet[];
  readonly categoriesByCode: ReadonlyMap<string, readonly string[]>;
  readonly sensitivities: ReadonlyMap<string, Sensitivity> | undefined;
}

/** A rule's key by what it looks at. The first version that holds something gives its key. */
interface Lookups {
  readonly byType: ReadonlyMap<string, readonly string[]>;
  readonly byObservation: ReadonlyMap<string, readonly string[]>;
  readonly bySystem: ReadonlyMap<
    string,
    ReadonlyArray<{ readonly key: string; readonly except: readonly string[] }>
  >;
  readonly byCode: ReadonlyMap<string, readonly string[]>;
  readonly ranges: ReadonlyMap<string, readonly Range[]>;
}

interface Range {
  readonly key: string;
  readonly first: string;
  readonly last: string;
}

/** Stands for the system of a coding that names none: it may be of any. */
const ANY_SYSTEM = "";

/** Decides by which keys a record is consented; compiled once from the rules of all versions. */
export function createClassifier(deps: ClassifierDeps): (content: RecordContent) => RecordClasses {
  const lookups = lookupsOf(deps);
  const stored = storedCodes(deps);

  return ({ types, codings, observations }) => {
    const keys = new Set<string>();
    for (const type of types) {
      if (type === "Observation") continue;
      const found = lookups.byType.get(type);
      if (found === undefined) return { outside: type };
      for (const key of found) keys.add(key);
    }
    for (const observation of observations) {
      const found = keysOfObservation(lookups, stored, observation);
      if (found.length === 0) return { outside: "Observation" };
      for (const key of found) keys.add(key);
    }
    for (const coding of codings) for (const key of keysOfCoding(lookups, coding)) keys.add(key);
    return { keys: [...keys].sort() };
  };
}

/** The exchange's own codes where it has them; else what HL7's categories say. */
function keysOfObservation(
  { byObservation }: Lookups,
  stored: ReadonlyMap<string, string>,
  { codes, categories }: RecordContent["observations"][number],
): readonly string[] {
  const own = codes.flatMap(
    ({ system, code }) => stored.get(nameOf(plainSystem(system || LOINC), code)) ?? [],
  );
  return own.length > 0 ? own : categories.flatMap((category) => byObservation.get(category) ?? []);
}

function keysOfCoding({ bySystem, byCode, ranges }: Lookups, coding: CodingInRecord): string[] {
  const system = plainSystem(coding.system);
  const code = plainCode(coding.code);
  const keys = [...(byCode.get(nameOf(system, code)) ?? [])];
  for (const { key, except } of bySystem.get(system) ?? []) if (!except.includes(coding.type)) keys.push(key);
  for (const { key, first, last } of ranges.get(system) ?? []) {
    const start = code.slice(0, first.length);
    if (start.length === first.length && start >= first && start <= last) keys.push(key);
  }
  return keys;
}

/** Codes that data may have, components too, with a category: their own code, or their panel's. */
function storedCodes({ codes, categoriesByCode }: ClassifierDeps): Map<string, string> {
  const stored = new Map<string, string>();
  for (const definition of codes) {
    if (!categoriesByCode.has(definition.code)) continue;
    const parts = definition.kind === "components" ? definition.components : [];
    for (const { system, code } of [definition, ...parts])
      stored.set(nameOf(plainSystem(system), code), definition.code);
  }
  return stored;
}

function lookupsOf({ sets, sensitivities }: ClassifierDeps): Lookups {
  const byType = createIndex<string>();
  const byObservation = createIndex<string>();
  const bySystem = createIndex<{ key: string; except: readonly string[] }>();
  const byCode = createIndex<string>();
  const ranges = createIndex<Range>();
  for (const { category, version, records } of sets) {
    if (records === undefined) continue;
    const key = `${category}@${version}`;
    // A sensitive code without its system is taken for what it may be.
    const systemsOf = ({ systems }: CodeRule) => {
      const sensitive = (sensitivities?.get(category) ?? "normal") !== "normal";
      return [...systems.map(plainSystem), ...(sensitive ? [ANY_SYSTEM] : [])];
    };
    for (const type of records.types) byType.add(category, type, type, key);
    for (const one of records.observations) byObservation.add(category, one, one, key);
    for (const rule of records.systems) {
      const { except } = rule;
      for (const system of rule.systems.map(plainSystem))
        bySystem.add(category, system, system, { key, except });
    }
    for (const rule of records.codes) {
      for (const system of systemsOf(rule)) {
        for (const code of rule.codes.map(plainCode)) {
          const name = nameOf(system, code);
          byCode.add(category, name, name, key);
        }
        for (const [from, to] of rule.ranges) {
          const range = { key, first: plainCode(from), last: plainCode(to) };
          ranges.add(category, system, `${system} ${range.first} ${range.last}`, range);
        }
      }
    }
  }
  return {
    byType: byType.found,
    byObservation: byObservation.found,
    bySystem: bySystem.found,
    byCode: byCode.found,
    ranges: ranges.found,
  };
}

/** Lists by name. Of one category the same rule counts once, in its first version. */
function createIndex<T>() {
  const found = new Map<string, T[]>();
  const seen = new Set<string>();
  return {
    found: found as ReadonlyMap<string, readonly T[]>,
    add(category: string, name: string, rule: string, value: T): void {
      const once = `${category} ${rule}`;
      if (seen.has(once)) return;
      seen.add(once);
      const list = found.get(name);
      if (list === undefined) found.set(name, [value]);
      else list.push(value);
    },
  };
}

function nameOf(system: string, code: string): string {
  return `${system} ${code}`;
}

/** A system as it is meant: without a version behind it, with or without its last slash, whatever the case. */
function plainSystem(system: string): string {
  const [uri] = system.trim().toLowerCase().split("|", 1);
  return uri!.replace(/^https:/, "http:").replace(/\/$/, "");
}

/** Codes of ICD are written with and without their dot. */
function plainCode(code: string): string {
  return code.trim().toUpperCase().replaceAll(".", "");
}
