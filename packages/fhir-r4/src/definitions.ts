import codeTable from "./generated/codes.json" with { type: "json" };
import typeTable from "./generated/types.json" with { type: "json" };

/** The shape of generated/types.json (scripts/fhir/types.ts writes it). */
interface TypeEntry {
  readonly kind: TypeKind;
  readonly base?: string;
  readonly abstract?: boolean;
  readonly elements?: readonly ElementEntry[];
  readonly invariants?: readonly Invariant[];
}

interface ElementEntry {
  readonly name: string;
  readonly min?: number;
  readonly list?: boolean;
  readonly types: readonly string[] | "*";
  readonly targets?: readonly string[];
  readonly codes?: string;
  readonly summary?: boolean;
  readonly invariants?: readonly Invariant[];
}

export type TypeKind = "primitive" | "complex" | "resource" | "part";

/** A rule of HL7 in FHIRPath, from the element or type that has it. */
export interface Invariant {
  readonly key: string;
  readonly severity: "error" | "warning";
  /** HL7's words. */
  readonly human: string;
  readonly expression: string;
}

export interface ElementDefinition {
  /** As a path has it: `value` for `value[x]`. */
  readonly name: string;
  readonly choice: boolean;
  readonly min: number;
  readonly list: boolean;
  /** The types that a reference may point to; undefined where any. */
  readonly targets: ReadonlySet<string> | undefined;
  /** The closed set of codes that it is bound to. */
  readonly codes: CodeList | undefined;
  /** Whether `_summary=true` keeps it. */
  readonly summary: boolean;
  readonly invariants: readonly Invariant[];
  /** Its place among the elements of the type, from 0. */
  readonly order: number;
  /** The names that it may have in JSON and XML: one for each type of a choice. */
  readonly properties: readonly Property[];
}

/** A name that an object of the type may have in JSON: an element, one type of a choice, or `_name` of a primitive. */
export interface Property {
  readonly name: string;
  readonly element: ElementDefinition;
  readonly type: TypeDefinition;
  /** `_name`: id and extensions of a primitive. */
  readonly companion: boolean;
}

export interface TypeDefinition {
  readonly name: string;
  readonly kind: TypeKind;
  readonly abstract: boolean;
  /** In HL7's order, those of its base first. */
  readonly elements: readonly ElementDefinition[];
  readonly properties: ReadonlyMap<string, Property>;
  /** Those elements of which there must be one. */
  readonly required: readonly ElementDefinition[];
  readonly invariants: readonly Invariant[];
}

/** A value set whose codes are all known. */
export interface CodeList {
  readonly name: string;
  has(code: string): boolean;
  hasCoding(system: string, code: string): boolean;
}

const types = typeTable as unknown as Readonly<Record<string, TypeEntry>>;
const listed = codeTable as Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Types that narrow another, which choices name by the other's name: `doseQuantity`. */
const narrowed: Readonly<Record<string, string>> = { SimpleQuantity: "Quantity", MoneyQuantity: "Quantity" };

/** What an open choice may be: FHIR R4, 2.24.0.1. */
const openTypes = types.Extension!.elements!.find(({ name }) => name === "value[x]")!
  .types as readonly string[];

const known = new Map<string, Definition>();
const knownLists = new Map<string, CodeList>();

/** The definition of a type by its name, of a part by its path; undefined where FHIR R4 has none. */
export function definitionOf(name: string): TypeDefinition | undefined {
  const before = known.get(name);
  if (before) return before;
  if (!Object.hasOwn(types, name)) return undefined;
  const definition = new Definition(name, types[name]!);
  known.set(name, definition);
  return definition;
}

/** As `definitionOf`, where the name comes from the definitions themselves. */
export function ownDefinition(name: string): TypeDefinition {
  const definition = definitionOf(name);
  if (!definition) throw new TypeError(`HL7's definitions name the type ${name}, and have none`);
  return definition;
}

/** Whether R4 has such a resource, which one can send. */
export function isResourceType(name: string): boolean {
  if (!Object.hasOwn(types, name)) return false;
  // By the table: to list the resources would make the definitions of all of them, 7 MB.
  const { kind, abstract = false } = types[name]!;
  return kind === "resource" && !abstract;
}

/** The names of all resources that one can send, sorted. */
export function resourceTypes(): readonly string[] {
  return Object.keys(types).filter(isResourceType);
}

/** Made at the first use of the type, since a process needs few of the 680. */
class Definition implements TypeDefinition {
  readonly name: string;
  readonly kind: TypeKind;
  readonly abstract: boolean;
  readonly elements: readonly ElementDefinition[];
  readonly properties: ReadonlyMap<string, Property>;
  readonly required: readonly ElementDefinition[];
  readonly invariants: readonly Invariant[];

  constructor(name: string, entry: TypeEntry) {
    const base = entry.base === undefined ? undefined : ownDefinition(entry.base);
    this.name = name;
    this.kind = entry.kind;
    this.abstract = entry.abstract === true;
    const inherited = base?.elements ?? [];
    const own = (entry.elements ?? []).map((one, at) => elementDefinition(one, inherited.length + at));
    this.elements = [...inherited, ...own];
    this.required = this.elements.filter(({ min }) => min > 0);
    this.invariants = [...(base?.invariants ?? []), ...(entry.invariants ?? [])];
    this.properties = new Map(
      this.elements.flatMap(({ properties }) => properties).map((property) => [property.name, property]),
    );
  }
}

function elementDefinition(entry: ElementEntry, order: number): ElementDefinition {
  const choice = entry.name.endsWith("[x]");
  const name = choice ? entry.name.slice(0, -3) : entry.name;
  const properties: Property[] = [];
  const element: ElementDefinition = {
    name,
    choice,
    min: entry.min ?? 0,
    list: entry.list === true,
    targets: entry.targets && new Set(entry.targets),
    codes: entry.codes === undefined ? undefined : codeList(entry.codes),
    summary: entry.summary === true,
    invariants: entry.invariants ?? [],
    order,
    properties,
  };
  for (const type of entry.types === "*" ? openTypes : entry.types) {
    const shown = narrowed[type] ?? type;
    const own = choice ? `${name}${shown[0]!.toUpperCase()}${shown.slice(1)}` : name;
    properties.push(propertyOf(own, element, type, false));
    if (types[type]!.kind === "primitive" && type !== "xhtml") {
      properties.push(propertyOf(`_${own}`, element, type, true));
    }
  }
  return element;
}

/** Its type is looked up at the first use: types name each other in circles. */
function propertyOf(name: string, element: ElementDefinition, type: string, companion: boolean): Property {
  let definition: TypeDefinition | undefined;
  return {
    name,
    element,
    companion,
    get type() {
      definition ??= ownDefinition(type);
      return definition;
    },
  };
}

/** A value set by its name, as generated/codes.json has it; undefined where its codes are not HL7's to list. */
export function codeList(name: string): CodeList | undefined {
  const before = knownLists.get(name);
  if (before) return before;
  if (!Object.hasOwn(listed, name)) return undefined;
  const systems = new Map(Object.entries(listed[name]!).map(([system, codes]) => [system, new Set(codes)]));
  const all = new Set([...systems.values()].flatMap((codes) => [...codes]));
  const list: CodeList = {
    name,
    has: (code) => all.has(code),
    hasCoding: (system, code) => systems.get(system)?.has(code) ?? false,
  };
  knownLists.set(name, list);
  return list;
}

/** Every value set whose codes are all known, by its canonical URL, with its codes by their system. */
export function codeLists(): ReadonlyArray<{
  readonly url: string;
  readonly systems: ReadonlyMap<string, readonly string[]>;
}> {
  return Object.entries(listed).map(([name, systems]) => ({
    url: `${/^v[23]-/.test(name) ? "http://terminology.hl7.org" : "http://hl7.org/fhir"}/ValueSet/${name}`,
    systems: new Map(Object.entries(systems)),
  }));
}
