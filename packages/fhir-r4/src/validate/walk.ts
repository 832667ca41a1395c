import {
  definitionOf,
  type ElementDefinition,
  isResourceType,
  type Property,
  type TypeDefinition,
} from "../definitions.ts";
import { expressionOf, type Finding, type Place, shownName } from "../finding.ts";
import { type FhirObject, type FhirResource, type FhirValue, isObject } from "../resource.ts";
import { narrativeFault } from "../xml/narrative.ts";
import { checkCodes } from "./codes.ts";
import { type Contained, checkContained, checkReference, containedIn } from "./contained.ts";
import { primitiveCheck } from "./primitives.ts";

/** An element or resource whose type has rules in FHIRPath. */
export interface Judged {
  readonly value: FhirValue;
  readonly type: TypeDefinition;
  /** Where the rules stand on the element that has the value. */
  readonly element: ElementDefinition | undefined;
  readonly resource: FhirResource;
  readonly root: FhirResource;
  readonly place: Place;
}

/** After so many findings the rest is not looked for: nobody reads more, and an answer has an end. */
const mostFindings = 100;

/**
 * Walks over a resource by HL7's definitions: structure, names, cardinality, primitives, choices, codes, references, contained
 * resources, narrative. Collects what has rules in FHIRPath, for `checkInvariants`.
 */
export class Walk {
  readonly findings: Finding[] = [];
  readonly judged: Judged[] = [];
  #resource!: FhirResource;
  #root!: FhirResource;
  #contained: Contained = new Map();

  resource(resource: FhirObject, place: Place | undefined, container?: FhirResource): void {
    const { resourceType } = resource;
    if (typeof resourceType !== "string" || !isResourceType(resourceType)) {
      this.report(place ?? start("Resource"), "structure", "'resourceType' names no resource of FHIR R4");
      return;
    }
    const own = place ?? start(resourceType);
    const type = definitionOf(resourceType)!;
    const before = [this.#resource, this.#root, this.#contained] as const;
    this.#resource = resource as FhirResource;
    if (!container) {
      this.#root = this.#resource;
      this.#contained = containedIn(this.#resource);
      checkContained(this.#resource, own, (at, text) => this.report(at, "invariant", text));
    }
    this.#object(resource, type, own);
    [this.#resource, this.#root, this.#contained] = before;
  }

  report(place: Place, code: Finding["code"], text: string): void {
    if (this.findings.length < mostFindings) {
      this.findings.push({ severity: "error", code, text, expression: expressionOf(place) });
    }
  }

  #object(object: FhirObject, type: TypeDefinition, place: Place, valued = type.kind === "resource"): void {
    if (this.findings.length >= mostFindings) return;
    let content = false;
    let choices: Map<ElementDefinition, string> | undefined;
    for (const name of Object.keys(object)) {
      if (name === "resourceType" && type.kind === "resource") continue;
      const property = type.properties.get(name);
      if (!property) {
        this.report(place, "structure", `${type.name} has no element ${shownName(name)}`);
        continue;
      }
      if (name !== "id" || type.kind === "resource") content = true;
      if (property.element.choice) {
        choices ??= new Map();
        const bare = property.companion ? name.slice(1) : name;
        const other = choices.get(property.element);
        choices.set(property.element, bare);
        if (other !== undefined && other !== bare) {
          this.report(
            place,
            "structure",
            `'${other}' and '${bare}' are two types of one element: only one can be sent`,
          );
        }
      }
      this.#property(object, property, place);
    }
    if (!content && !valued) {
      this.report(place, "invariant", "An element has a value or elements within it (ele-1)");
    }
    for (const element of type.required) {
      if (!element.properties.some((one) => object[one.name] !== undefined)) {
        this.report(place, "required", `${type.name}.${element.name} is required`);
      }
    }
    if (type.name === "Extension") this.#extension(object, place);
    if (type.invariants.length > 0) this.#judge(object, type, undefined, place);
  }

  #judge(value: FhirValue, type: TypeDefinition, element: ElementDefinition | undefined, place: Place): void {
    this.judged.push({ value, type, element, resource: this.#resource, root: this.#root, place });
  }

  #extension(object: FhirObject, place: Place): void {
    const values = Object.keys(object).some((name) => name.startsWith("value") || name.startsWith("_value"));
    if (values === (object.extension !== undefined)) {
      this.report(place, "invariant", "An extension has either a value or extensions within it (ext-1)");
    }
  }

  #property(object: FhirObject, property: Property, parent: Place): void {
    const { element } = property;
    const value = object[property.name];
    if (!element.list) {
      const place = { parent, name: element.name, index: undefined };
      if (Array.isArray(value))
        this.report(place, "structure", "This element does not repeat: it is no array");
      else if (value === null)
        this.report(place, "structure", "null stands for nothing: leave the element out");
      else this.#value(value as FhirValue, property, place, pairOf(object, property));
      return;
    }
    const list = { parent, name: element.name, index: undefined };
    if (!Array.isArray(value)) {
      this.report(list, "structure", "This element repeats: it is an array, also where it has one item");
      return;
    }
    if (value.length === 0) this.report(list, "structure", "An array is not empty: leave the element out");
    const pair = pairOf(object, property);
    for (let index = 0; index < value.length; index++) {
      const place = { parent, name: element.name, index };
      const item = value[index] as FhirValue;
      const other = Array.isArray(pair) ? pair[index] : undefined;
      if (item !== null) this.#value(item, property, place, other);
      else if (property.type.kind !== "primitive" || other === null || other === undefined) {
        this.report(
          place,
          "structure",
          "null fills only the place of an item of which the other array has a part",
        );
      }
    }
  }

  /** @param pair the value of a companion; the companion of a value */
  #value(value: FhirValue, property: Property, place: Place, pair: FhirValue | undefined): void {
    const { element, type, companion } = property;
    if (companion) {
      const valued = pair !== undefined && pair !== null;
      if (isObject(value)) this.#object(value, elementType, place, valued);
      else this.report(place, "structure", `'${property.name}' is an object with an id or extensions`);
      return;
    }
    if (type.kind === "primitive") {
      const fault = type.name === "xhtml" ? narrativeFault(value) : primitiveCheck(type.name)(value);
      if (fault !== undefined) this.report(place, "value", fault);
      else if (element.codes)
        checkCodes(value, type, element.codes, (text) => this.report(place, "code-invalid", text));
    } else if (!isObject(value)) {
      this.report(place, "structure", `${type.name} is an object`);
    } else if (type.kind === "resource") {
      this.#nested(value, element, type, place);
    } else {
      this.#object(value, type, place);
      if (type.name === "Reference") {
        checkReference(value, element, this.#contained, (text) => this.report(place, "value", text));
      }
      if (element.codes)
        checkCodes(value, type, element.codes, (text) => this.report(place, "code-invalid", text));
    }
    if (element.invariants.length > 0) this.#judge(value, type, element, place);
  }

  /** A contained resource, or one that a Bundle or Parameters carries. */
  #nested(value: FhirObject, element: ElementDefinition, type: TypeDefinition, place: Place): void {
    if (type.name !== "Resource" && value.resourceType !== type.name) {
      this.report(place, "structure", `The resource here is ${type.name}`);
      return;
    }
    this.resource(value, place, element.name === "contained" ? this.#resource : undefined);
  }
}

const elementType = definitionOf("Element")!;

function start(name: string): Place {
  return { parent: undefined, name, index: undefined };
}

/** The other half of a primitive: `_given` of `given`, `given` of `_given`. */
function pairOf(object: FhirObject, { name, companion }: Property): FhirValue | undefined {
  return object[companion ? name.slice(1) : `_${name}`];
}
