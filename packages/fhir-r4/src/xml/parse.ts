import { SaxesParser, type SaxesTagNS } from "saxes";
import { definitionOf, isResourceType, type Property, type TypeDefinition } from "../definitions.ts";
import { FhirError } from "../fhir-error.ts";
import { expressionOf, type Place, shownName } from "../finding.ts";
import { defaultLimits, type ParseLimits } from "../limits.ts";
import { exactNumber, type FhirResource, type FhirValue, isDecimalText } from "../resource.ts";
import { fhirNamespace, isAttribute } from "./format.ts";
import { xhtmlNamespace } from "./narrative.ts";
import { NarrativeReader } from "./narrative-reader.ts";

/** An element that is open. */
interface Frame {
  /** Of what is within: that of a primitive is `Element`, whose extensions it may have. */
  readonly type: TypeDefinition;
  readonly object: Record<string, FhirValue>;
  /** Undefined for a resource, which stands within the element that holds it. */
  readonly property: Property | undefined;
  /** Of a primitive. */
  readonly value: string | undefined;
  /** The last element within, by its place in HL7's order. */
  last: number;
  /** The resource within, of an element that holds one. */
  held: FhirResource | undefined;
  readonly place: Place;
}

const instanceNamespace = "http://www.w3.org/2001/XMLSchema-instance";
const numbers = new Set(["decimal", "integer", "positiveInt", "unsignedInt"]);

/**
 * Reads the text of a resource in FHIR's XML, numbers with their digits, as `parseJson` gives it. Without DOCTYPE, and so without
 * entities but XML's five. Elements are those of R4, in its order and namespace; `validate` judges the rest. Throws `FhirError`:
 * `limit`, or `syntax` with line and column and, within the resource, a FHIRPath.
 */
export function parseXml(text: string, limits: ParseLimits = defaultLimits): FhirResource {
  if (text.length > limits.length) {
    throw limit(`The text is longer than ${limits.length} characters`);
  }
  return new XmlReader(text, limits).read();
}

class XmlReader {
  readonly #text: string;
  readonly #limits: ParseLimits;
  readonly #parser = new SaxesParser({ xmlns: true, position: true });
  readonly #open: Frame[] = [];
  readonly #narrative: NarrativeReader;
  #resource: FhirResource | undefined;

  constructor(text: string, limits: ParseLimits) {
    this.#text = text;
    this.#limits = limits;
    this.#narrative = new NarrativeReader(text);
  }

  read(): FhirResource {
    const parser = this.#parser;
    parser.on("error", () => this.#refuse("The text is no well-formed XML from here"));
    parser.on("doctype", () => this.#refuse("FHIR's XML has no DOCTYPE"));
    parser.on("xmldecl", ({ version, encoding }) => {
      if (version !== "1.0" || (encoding ?? "UTF-8").toUpperCase() !== "UTF-8") {
        this.#refuse("FHIR's XML is of version 1.0 and in UTF-8");
      }
    });
    parser.on("opentag", (tag) => this.#start(tag));
    parser.on("closetag", (tag) => this.#end(tag));
    parser.on("text", (content) => this.#content(content));
    parser.on("cdata", (content) => this.#content(content));
    parser.write(this.#text).close();
    return this.#resource!;
  }

  #start(tag: SaxesTagNS): void {
    if (this.#open.length + this.#narrative.depth >= this.#limits.depth) {
      throw limit(`The text nests deeper than ${this.#limits.depth} levels`);
    }
    if (this.#narrative.depth > 0) {
      this.#narrative.start(tag);
      return;
    }
    const parent = this.#open.at(-1);
    if (tag.uri === xhtmlNamespace && tag.local === "div" && parent?.type.name === "Narrative") {
      this.#order(parent, this.#property(parent, "div"));
      this.#narrative.open(tag, this.#parser.position);
      return;
    }
    if (tag.uri !== fhirNamespace) this.#refuse(`FHIR's elements are of the namespace ${fhirNamespace}`);
    this.#open.push(
      parent === undefined || isHolder(parent) ? this.#resourceFrame(tag, parent) : this.#frame(tag, parent),
    );
  }

  #resourceFrame(tag: SaxesTagNS, parent: Frame | undefined): Frame {
    if (!isResourceType(tag.local)) this.#refuse("The element names no resource of FHIR R4");
    if (parent?.held) this.#refuse("One element holds one resource");
    const place = parent?.place ?? { parent: undefined, name: tag.local, index: undefined };
    const object = { resourceType: tag.local };
    this.#attributes(tag, (name) => this.#refuse(`${tag.local} has no attribute ${shownName(name)}`));
    return {
      type: definitionOf(tag.local)!,
      object,
      property: undefined,
      value: undefined,
      last: -1,
      held: undefined,
      place,
    };
  }

  #frame(tag: SaxesTagNS, parent: Frame): Frame {
    const property = this.#property(parent, tag.local);
    if (property.type.name === "xhtml") this.#refuse(`A narrative is of the namespace ${xhtmlNamespace}`);
    this.#order(parent, property);
    const primitive = property.type.kind === "primitive";
    const type = primitive ? definitionOf("Element")! : property.type;
    const object: Record<string, FhirValue> = {};
    let value: string | undefined;
    this.#attributes(tag, (name, content) => {
      if (primitive && name === "value") value = content;
      else if (isAttribute(name, type) && !isHolderType(type)) object[name] = content;
      else this.#refuse(`${tag.local} has no attribute ${shownName(name)}`);
    });
    const before = parent.object[tag.local] ?? parent.object[`_${tag.local}`];
    const index = property.element.list ? (Array.isArray(before) ? before.length : 0) : undefined;
    const place = { parent: parent.place, name: property.element.name, index };
    return { type, object, property, value, last: -1, held: undefined, place };
  }

  /** Calls back for those that are not XML's own, nor the place of a schema. */
  #attributes(tag: SaxesTagNS, take: (name: string, value: string) => void): void {
    for (const { uri, prefix, local, name, value } of Object.values(tag.attributes)) {
      if (prefix === "xmlns" || name === "xmlns" || (uri === instanceNamespace && local === "schemaLocation"))
        continue;
      take(name, value);
    }
  }

  #property(parent: Frame, name: string): Property {
    const property = parent.type.properties.get(name);
    if (!property || property.companion || isAttribute(name, parent.type)) {
      this.#refuse(`${parent.type.name} has no element ${shownName(name)}`);
    }
    return property;
  }

  #order(parent: Frame, { element }: Property): void {
    if (element.order < parent.last)
      this.#refuse(`'${element.name}' stands before the elements that precede it in HL7's order`);
    if (element.order === parent.last && !element.list) this.#refuse(`'${element.name}' does not repeat`);
    parent.last = element.order;
  }

  #end(tag: SaxesTagNS): void {
    if (this.#narrative.depth > 0) {
      const div = this.#narrative.end(tag, this.#parser.position);
      if (div !== undefined) this.#open.at(-1)!.object.div = div;
      return;
    }
    const frame = this.#open.pop()!;
    const parent = this.#open.at(-1);
    if (frame.property === undefined) {
      if (parent) parent.held = frame.object as FhirResource;
      else this.#resource = frame.object as FhirResource;
    } else if (isHolder(frame)) {
      if (!frame.held) this.#refuse("The element holds a resource");
      attach(parent!.object, frame.property, frame.held, undefined);
    } else if (frame.property.type.kind === "primitive") {
      const parts = Object.keys(frame.object).length > 0 ? frame.object : undefined;
      if (parts === undefined && frame.value === undefined)
        this.#refuse("An element has a value or elements within it (ele-1)");
      attach(parent!.object, frame.property, primitiveValue(frame), parts);
    } else attach(parent!.object, frame.property, frame.object, undefined);
  }

  #content(content: string): void {
    if (this.#narrative.depth > 0) this.#narrative.text(content);
    else if (/\S/.test(content)) this.#refuse("Text stands in narratives only: values are attributes");
  }

  #refuse(text: string): never {
    const at = this.#open.at(-1)?.place;
    const { line, columnIndex } = this.#parser;
    throw new FhirError("syntax", [
      {
        severity: "error",
        code: "structure",
        text,
        ...(at ? { expression: expressionOf(at) } : {}),
        line,
        column: columnIndex + 1,
      },
    ]);
  }
}

/** `contained`, `Bundle.entry.resource` and their kind: a resource stands within. */
function isHolder({ property }: Frame): boolean {
  return property !== undefined && isHolderType(property.type);
}

function isHolderType({ kind }: TypeDefinition): boolean {
  return kind === "resource";
}

/** As JSON has it; what is no boolean or number stays a string, of which `validate` says so. */
function primitiveValue({ property, value }: Frame): FhirValue | undefined {
  const type = property!.type.name;
  if (value === undefined) return undefined;
  if (type === "boolean" && (value === "true" || value === "false")) return value === "true";
  return numbers.has(type) && isDecimalText(value) ? exactNumber(value) : value;
}

/** Puts an element where it belongs: at its name, or as the next item of its list. */
function attach(
  object: Record<string, FhirValue>,
  { name, element, type }: Property,
  value: FhirValue | undefined,
  parts: FhirValue | undefined,
): void {
  if (!element.list) {
    if (value !== undefined) object[name] = value;
    if (parts !== undefined) object[`_${name}`] = parts;
    return;
  }
  if (type.kind !== "primitive") {
    listAt(object, name).push(value!);
    return;
  }
  const values = Array.isArray(object[name]) ? (object[name] as FhirValue[]) : [];
  const companions = Array.isArray(object[`_${name}`]) ? (object[`_${name}`] as FhirValue[]) : [];
  const at = Math.max(values.length, companions.length);
  if (value !== undefined || values.length > 0) {
    while (values.length < at) values.push(null);
    values.push(value ?? null);
    object[name] = values;
  }
  if (parts !== undefined || companions.length > 0) {
    while (companions.length < at) companions.push(null);
    companions.push(parts ?? null);
    object[`_${name}`] = companions;
  }
}

function listAt(object: Record<string, FhirValue>, name: string): FhirValue[] {
  const list = (object[name] ?? []) as FhirValue[];
  object[name] = list;
  return list;
}

function limit(text: string): FhirError {
  return new FhirError("limit", [{ severity: "error", code: "too-long", text }]);
}
