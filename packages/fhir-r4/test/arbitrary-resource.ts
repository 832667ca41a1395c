import {
  definitionOf,
  type ElementDefinition,
  exactNumber,
  type FhirObject,
  type FhirResource,
  type FhirValue,
  type Property,
  type TypeDefinition,
} from "@wellapi/fhir-r4";
import codeTable from "../src/generated/codes.json" with { type: "json" };

/** Where the generator gets its choices from: fast-check, or a seeded generator of numbers. */
export interface Choices {
  /** A whole number, both bounds included. */
  integer(least: number, most: number): number;
}

const codeLists = codeTable as Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
const deepest = 5;

const texts = ["a", "Größe 4", "line\nline\ttab", "<&\"'>", "𝛼\r\nb", " spaced "];
const primitives: Readonly<Record<string, readonly string[]>> = {
  base64Binary: ["QUJD", "QUI="],
  canonical: ["http://example.org/a|1"],
  code: ["a", "a b"],
  date: ["2026", "2026-02", "2024-02-29"],
  dateTime: ["2026", "2026-02-28", "2026-02-28T08:00:00Z", "2026-02-28T08:00:00.125+14:00"],
  id: ["a-1.B"],
  instant: ["2026-02-28T23:59:60-05:30"],
  markdown: texts,
  oid: ["urn:oid:2.16.840"],
  string: texts,
  time: ["08:00:00.5"],
  uri: ["urn:x:1", "http://example.org/a?b=c&d"],
  url: ["https://example.org/a"],
  uuid: ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
  decimal: ["98.60", "1.0E-3", "-0.00", "7", "12345678901234567890.12"],
  integer: ["-3", "0", "2147483647"],
  positiveInt: ["1", "12"],
  unsignedInt: ["0", "12"],
};
const numbers = new Set(["decimal", "integer", "positiveInt", "unsignedInt"]);

/** A resource with the structure that its definition asks for; HL7's rules in FHIRPath may find something in it. */
export function someResource(type: string, choices: Choices, depth = 0): FhirResource {
  return { resourceType: type, ...someObject(definitionOf(type)!, choices, depth) };
}

function someObject(type: TypeDefinition, choices: Choices, depth: number): FhirObject {
  const object: Record<string, FhirValue> = {};
  for (const element of type.elements) {
    if (element.min > 0 || isWanted(element, type, choices, depth))
      addElement(object, element, choices, depth);
  }
  const empty = Object.keys(object).every((name) => name === "id" && type.kind !== "resource");
  if (empty && type.kind !== "resource") {
    const first = type.elements.find(
      ({ properties }) => properties[0]!.type.kind === "primitive" && properties[0]!.name !== "id",
    );
    if (first) addElement(object, first, choices, depth);
    else object.extension = [{ url: "http://example.org/a", valueCode: "a" }];
  }
  if (type.name === "Extension" && (object.extension === undefined) === !Object.keys(object).some(isValue)) {
    delete object.extension;
    for (const name of Object.keys(object).filter(isValue)) delete object[name];
    object.valueString = pick(texts, choices);
  }
  return object;
}

function isValue(name: string): boolean {
  return name.startsWith("value") || name.startsWith("_value");
}

/** Contained resources need a reference, and only tests with one of their own have them. */
function isWanted(
  { name, properties }: ElementDefinition,
  type: TypeDefinition,
  choices: Choices,
  depth: number,
): boolean {
  if (name === "contained" || depth > deepest) return false;
  const kind = properties[0]!.type.kind;
  const odds =
    kind === "primitive" ? 4 : name === "extension" || name === "modifierExtension" ? 25 : 3 + depth * 3;
  return choices.integer(1, type.kind === "resource" ? odds : odds + 1) === 1;
}

function addElement(
  object: Record<string, FhirValue>,
  element: ElementDefinition,
  choices: Choices,
  depth: number,
): void {
  const named = element.properties.filter(({ companion }) => !companion);
  const property = pick(named, choices);
  if (property.type.kind === "primitive" && property.type.name !== "xhtml") {
    addPrimitive(object, property, choices);
    return;
  }
  const make = () => someValue(property, choices, depth);
  object[property.name] = element.list ? Array.from({ length: choices.integer(1, 2) }, make) : make();
}

function addPrimitive(object: Record<string, FhirValue>, property: Property, choices: Choices): void {
  const { element, name } = property;
  const part = () =>
    choices.integer(1, 12) === 1
      ? { id: "p1", extension: [{ url: "http://example.org/a", valueDecimal: exactNumber("0.10") }] }
      : null;
  if (!element.list) {
    object[name] = somePrimitive(property, choices);
    const companion = name === "id" || name === "url" ? null : part();
    if (companion) object[`_${name}`] = companion;
    return;
  }
  const parts: (FhirObject | null)[] = Array.from({ length: choices.integer(1, 3) }, part);
  const values = parts.map((one) =>
    one && choices.integer(0, 1) === 1 ? null : somePrimitive(property, choices),
  );
  if (values.some((one) => one !== null)) object[name] = values;
  if (parts.some((one) => one !== null)) object[`_${name}`] = parts;
}

function somePrimitive({ element, type }: Property, choices: Choices): FhirValue {
  if (type.name === "boolean") return choices.integer(0, 1) === 1;
  if (element.codes) return pick(Object.values(codeLists[element.codes.name]!).flat(), choices);
  if (element.name === "id") return `i${choices.integer(1, 9)}`;
  // Of the media types and currencies that are bound, these are some.
  if (element.name === "contentType") return "text/plain";
  if (element.name === "currency") return "EUR";
  if (element.name === "reference")
    return pick(["urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "urn:x:1"], choices);
  const text = pick(primitives[type.name]!, choices);
  return numbers.has(type.name) ? exactNumber(text) : text;
}

function someValue({ element, type }: Property, choices: Choices, depth: number): FhirValue {
  if (type.name === "xhtml")
    return '<div xmlns="http://www.w3.org/1999/xhtml"><p title="&quot;a">b<br/>c</p></div>';
  if (type.kind === "resource") {
    const inner = type.name === "Resource" ? pick(["Basic", "Patient", "Observation"], choices) : type.name;
    return someResource(inner, choices, depth + 3);
  }
  const value = someObject(type, choices, depth + 1);
  if (!element.codes) return value;
  const [system, codes] = pick(Object.entries(codeLists[element.codes.name]!), choices);
  const coding = { system, code: pick(codes, choices) };
  return type.name === "CodeableConcept" ? { ...value, coding: [coding] } : { ...value, ...coding };
}

function pick<T>(list: readonly T[], choices: Choices): T {
  return list[choices.integer(0, list.length - 1)]!;
}

/** Choices from a seed, the same each time (mulberry32). */
export function seeded(seed: number): Choices {
  let state = seed >>> 0;
  return {
    integer(least, most) {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return least + (((mixed ^ (mixed >>> 14)) >>> 0) % (most - least + 1));
    },
  };
}
