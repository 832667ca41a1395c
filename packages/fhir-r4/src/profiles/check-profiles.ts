import { definitionOf, ownDefinition, type TypeDefinition } from "../definitions.ts";
import { expressionOf, type Finding, type Place } from "../finding.ts";
import { type FhirObject, type FhirResource, type FhirValue, isObject } from "../resource.ts";
import { type Contained, containedIn, typeOfTarget } from "../validate/contained.ts";
import { Evaluator } from "../validate/evaluator.ts";
import { judgeInvariant } from "../validate/invariants.ts";
import { targetOf } from "../validate/references.ts";
import { fits, isBound, isOfSlice, type TypedItem } from "./match.ts";
import { type Profile, type ProfileNode, profileOf, saysVersion } from "./profiles.ts";

/** A value of an element, and where it stands. */
interface Item extends TypedItem {
  readonly definition: TypeDefinition;
  readonly place: Place;
}

/**
 * What is not as the profiles ask that a resource names in `meta.profile`, as far as they are judged here. A profile of a guide that is
 * named without its version may be meant in another one than ours: of those there are warnings only.
 */
export function checkClaims(resource: FhirResource): readonly Finding[] {
  const { meta } = resource;
  const named = isObject(meta) && Array.isArray(meta.profile) ? meta.profile : [];
  return named.flatMap((one) => {
    const profile = typeof one === "string" ? profileOf(one) : undefined;
    if (profile === undefined) return [];
    const findings = checkProfiles(resource, [profile]);
    return saysVersion(one as string, profile)
      ? findings
      : findings.map((finding) => ({ ...finding, severity: "warning" as const }));
  });
}

/** What in a resource, which is valid by R4 itself, is not as the profiles ask. */
export function checkProfiles(resource: FhirResource, profiles: readonly Profile[]): readonly Finding[] {
  return profiles.flatMap((profile) => new ProfileCheck(resource, profile).findings());
}

class ProfileCheck {
  readonly #resource: FhirResource;
  readonly #profile: Profile;
  readonly #contained: Contained;
  readonly #evaluator = new Evaluator();
  readonly #findings = new Map<string, Finding>();

  constructor(resource: FhirResource, profile: Profile) {
    this.#resource = resource;
    this.#profile = profile;
    this.#contained = containedIn(resource);
  }

  findings(): readonly Finding[] {
    const { resourceType } = this.#resource;
    const place = { parent: undefined, name: resourceType, index: undefined };
    if (resourceType !== this.#profile.type) {
      this.#report(place, "structure", `is of ${this.#profile.type}`);
      return [...this.#findings.values()];
    }
    const definition = ownDefinition(resourceType);
    this.#item(this.#profile.root, { value: this.#resource, type: resourceType, definition, place });
    return [...this.#findings.values()];
  }

  #report(place: Place, code: Finding["code"], what: string): void {
    const text = `The profile ${this.#profile.url.split("/").at(-1)} ${what}`;
    const expression = expressionOf(place);
    this.#findings.set(`${expression} ${text}`, { severity: "error", code, text, expression });
  }

  #item(node: ProfileNode, item: Item): void {
    const { value, type, place } = item;
    if (node.types !== undefined && !node.types.includes(type)) {
      this.#report(place, "structure", `asks for ${node.types.join(" or ")} here`);
      return;
    }
    const asked = node.fixed ?? node.pattern;
    if (asked !== undefined && !fits(value, asked)) {
      this.#report(place, "value", `asks for ${JSON.stringify(asked)} here`);
    }
    if (node.codes !== undefined && !isBound(value, node.codes, type)) {
      this.#report(place, "code-invalid", `asks for a code of the value set ${node.codes}`);
    }
    if (node.targets !== undefined && !this.#pointsTo(node.targets, value)) {
      this.#report(place, "value", `asks for a reference to ${node.targets.join(" or ")} here`);
    }
    // A rule is about a value, and not about the reason why there is none.
    if (value === null) return;
    for (const invariant of node.invariants ?? []) {
      const at = { value, type, resource: this.#resource, root: this.#resource };
      const verdict = judgeInvariant(invariant, () => this.#evaluator.isTrue(invariant.expression, at));
      if (verdict === undefined) continue;
      const expression = expressionOf(place);
      this.#findings.set(`${expression} ${verdict.text}`, { ...verdict, expression });
    }
    if (isObject(value)) for (const child of node.children ?? []) this.#child(child, value, item);
  }

  /** Also where the text of a reference does not tell. */
  #pointsTo(targets: readonly string[], value: FhirValue): boolean {
    const reference = isObject(value) ? value.reference : undefined;
    const target = typeof reference === "string" ? targetOf(reference) : undefined;
    const type = target && typeOfTarget(target, this.#contained);
    return type === undefined || targets.includes(type);
  }

  #child(child: ProfileNode, parent: FhirObject, { definition, place }: Item): void {
    const all = itemsOf(child.name, parent, definition, place);
    const items = child.slice === undefined ? all : all.filter((one) => isOfSlice(child, one));
    const { min = 0, max = Number.POSITIVE_INFINITY, slice } = child;
    const name = child.name.replace("[x]", "");
    const shown = slice === undefined ? name : `${name} (${slice}${wantedText(child)})`;
    if (items.length < min) this.#report(place, "required", `asks for at least ${min} ${shown}`);
    if (items.length > max) this.#report(items[0]!.place, "structure", `permits at most ${max} ${shown}`);
    else for (const item of items) this.#item(child, item);
  }
}

/** Types that narrow another, which profiles name by the other. */
const narrowed = new Map([
  ["SimpleQuantity", "Quantity"],
  ["MoneyQuantity", "Quantity"],
]);

/** The values of an element: of a choice, under whichever name it has. */
function itemsOf(name: string, parent: FhirObject, definition: TypeDefinition, place: Place): Item[] {
  const bare = name.replace("[x]", "");
  const properties = definition.elements.find((one) => one.name === bare)?.properties ?? [];
  return properties.flatMap((property): Item[] => {
    if (property.companion) return [];
    const { type } = property;
    const value = parent[property.name] ?? withoutValue(parent[`_${property.name}`]);
    if (value === undefined) return [];
    const item = (one: FhirValue, index: number | undefined): Item => ({
      value: one,
      type: narrowed.get(type.name) ?? type.name,
      definition: definitionOf(type.name)!,
      place: { parent: place, name: bare, index },
    });
    return Array.isArray(value)
      ? value.map((one, index) => item(one, index))
      : [item(value as FhirValue, undefined)];
  });
}

/** An element that has extensions in place of a value is there, too: why it is not known, say. */
function withoutValue(companion: FhirValue | undefined): FhirValue | undefined {
  if (companion === undefined) return undefined;
  return Array.isArray(companion) ? companion.map(() => null) : null;
}

/** What tells the slice, for a reader who does not have the profile: `8480-6`. */
function wantedText(node: ProfileNode): string {
  const codes = [...JSON.stringify(node).matchAll(/"(?:code","min":1,"fixed|code)":"([^"]+)"/g)].map(
    ([, code]) => code,
  );
  return codes.length === 0 ? "" : `: ${codes[0]}`;
}
