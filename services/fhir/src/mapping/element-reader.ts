import { type FhirObject, type FhirValue, type Finding, type IssueType, isObject } from "@wellapi/fhir-r4";

/** Reads a resource that is taken whole or not at all: what of it nobody asks for is found, with its place. */
export class ElementReader {
  /** What cannot be taken. Empty: all was read. */
  readonly findings: Finding[] = [];

  /** @param expression where, as a simple FHIRPath */
  refuse(expression: string, text: string, code: IssueType = "not-supported"): void {
    this.findings.push({ severity: "error", code, text, expression });
  }

  /** An object that may have these elements alone; without elements where it is none. */
  object(value: FhirValue | undefined, at: string, names: readonly string[]): FhirObject {
    if (!isObject(value)) return {};
    for (const name of Object.keys(value)) {
      if (names.includes(name)) continue;
      this.refuse(`${at}.${name}`, "It is not kept, and may limit what is permitted: leave it out");
    }
    return value;
  }

  /** The items of a list, each with its place; none where it is absent. */
  list(value: FhirValue | undefined, at: string): readonly (readonly [item: FhirValue, at: string])[] {
    if (value === undefined) return [];
    const items = Array.isArray(value) ? (value as readonly FhirValue[]) : [value];
    return items.map((item, i) => [item, `${at}[${i}]`] as const);
  }

  /** The one coding of a concept. Its display says nothing more, and is not kept. */
  coding(concept: FhirValue | undefined, at: string): FhirObject {
    const codings = this.list(this.object(concept, at, ["coding"]).coding, `${at}.coding`);
    const [first, ...more] = codings;
    if (first === undefined || more.length > 0) {
      this.refuse(at, "It has one coding: several could mean different things", "value");
      return {};
    }
    return this.object(first[0], first[1], ["system", "version", "code", "display"]);
  }

  /** Refuses a concept that is not this one. */
  require(
    concept: FhirValue | undefined,
    at: string,
    wanted: { readonly system: string; readonly code: string },
  ) {
    const { system, version, code } = this.coding(concept, at);
    if (system === wanted.system && code === wanted.code && version === undefined) return;
    this.refuse(at, `It has to be ${wanted.system}|${wanted.code}`, "value");
  }

  /** The text of a reference to what is here; empty where it refers otherwise. */
  reference(value: FhirValue | undefined, at: string): string {
    return this.text(this.object(value, at, ["reference", "type", "display"]).reference);
  }

  text(value: FhirValue | undefined): string {
    return typeof value === "string" ? value : "";
  }
}
