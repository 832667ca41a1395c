import type { ElementDefinition } from "../definitions.ts";
import type { Place } from "../finding.ts";
import { type FhirObject, type FhirResource, type FhirValue, isObject } from "../resource.ts";
import { type ReferenceTarget, targetOf } from "./references.ts";

/** The resources within another, by id; the types that they have. */
export type Contained = ReadonlyMap<string, string>;

export function containedIn(resource: FhirResource): Contained {
  const contained = new Map<string, string>();
  for (const one of itemsOf(resource.contained)) {
    if (typeof one.id === "string" && typeof one.resourceType === "string")
      contained.set(one.id, one.resourceType);
  }
  return contained;
}

/**
 * The rules dom-2 to dom-5: a contained resource contains none, has no version and no labels of security of its own, has an id,
 * and something points to it.
 */
export function checkContained(
  resource: FhirResource,
  parent: Place,
  report: (place: Place, text: string) => void,
): void {
  const items = itemsOf(resource.contained);
  if (items.length === 0) return;
  const used = fragmentsIn(resource);
  for (const [index, one] of items.entries()) {
    const place = { parent, name: "contained", index };
    const meta = isObject(one.meta) ? one.meta : {};
    if (one.contained !== undefined) report(place, "A contained resource contains no other (dom-2)");
    if (meta.versionId !== undefined || meta.lastUpdated !== undefined) {
      report(place, "A contained resource has no version and no time of change (dom-4)");
    }
    if (meta.security !== undefined) report(place, "A contained resource has no security labels (dom-5)");
    if (typeof one.id !== "string") report(place, "A contained resource has an id");
    else if (!used.has(`#${one.id}`) && !fragmentsIn(one).has("#")) {
      report(place, "Nothing in the resource refers to this contained resource (dom-3)");
    }
  }
}

/** What is wrong with a Reference's text, or with the type of what it points to (ref-1, and the element's targets). */
export function checkReference(
  value: FhirObject,
  element: ElementDefinition,
  contained: Contained,
  report: (text: string) => void,
): void {
  const { reference, type: sentType } = value;
  if (typeof reference !== "string" || reference === "") return;
  const target = targetOf(reference);
  if (!target) {
    report("A reference is '#id', 'Type/id', or an absolute URI");
    return;
  }
  const type = typeOfTarget(target, contained);
  if (type === undefined) {
    if (target.kind === "contained" && target.id !== "") {
      report("There is no contained resource of this id (ref-1)");
    }
    return;
  }
  if (element.targets && !element.targets.has(type)) {
    report(`A reference here points to ${[...element.targets].join(", ")}, and not to ${type}`);
  }
  if (typeof sentType === "string" && !sentType.includes("/") && sentType !== type) {
    report(`The reference names a resource of type ${type}, and its 'type' another`);
  }
}

/** The type of what a reference points to, as far as its text tells. */
export function typeOfTarget(target: ReferenceTarget, contained: Contained): string | undefined {
  if (target.kind === "contained") return contained.get(target.id);
  return target.kind === "other" ? undefined : target.type;
}

/** Every string below the value that starts with '#': references, and URIs that point into the resource. */
function fragmentsIn(value: FhirValue | undefined, found = new Set<string>()): ReadonlySet<string> {
  if (typeof value === "string" && value.startsWith("#")) found.add(value);
  else if (Array.isArray(value)) for (const one of value) fragmentsIn(one, found);
  else if (isObject(value)) for (const one of Object.values(value)) fragmentsIn(one, found);
  return found;
}

function itemsOf(value: FhirValue | undefined): readonly FhirObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
