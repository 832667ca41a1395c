import {
  type FhirObject,
  type FhirResource,
  type FhirValue,
  formatResource,
  isObject,
  parseJson,
  parseXml,
} from "@wellapi/fhir-r4";

/** Of these the value belongs to the shape, unless it is a code of somebody else's system. */
const coded = new Set([
  "system",
  "code",
  "status",
  "use",
  "profile",
  "resourceType",
  "type",
  "mode",
  "intent",
]);
const ofHl7 = /^http:\/\/(terminology\.)?hl7\.org\//;

/**
 * Chooses of texts in FHIR what is judged: of one shape the first. The shape of a resource is its elements with the types of what they
 * hold, the forms of its dates and times, and its values that HL7 binds. A Bundle is judged with those entries whose shape is new.
 */
export class Emitted {
  readonly #shapes = new Set<string>();

  /** What to judge of the text, the text itself where all of it is new; undefined where nothing is. */
  next(text: string, encoding: "json" | "xml"): string | undefined {
    let resource: FhirResource;
    try {
      resource = encoding === "json" ? parseJson(text) : parseXml(text);
    } catch {
      // What ours cannot read, HAPI is to judge.
      return this.#isNew(encoding, text) ? text : undefined;
    }
    const { entry } = resource;
    if (resource.resourceType !== "Bundle" || !Array.isArray(entry)) {
      return this.#isNew(encoding, shapeOf(resource)) ? text : undefined;
    }
    const entries = entry.filter((one) => this.#isNew(encoding, shapeOf(one)));
    const envelope = this.#isNew(encoding, shapeOf({ ...resource, entry: [] }));
    if (entries.length === entry.length) return text;
    if (entries.length === 0 && !envelope) return undefined;
    const kept = entries.length > 0 ? entries : entry.slice(0, 1);
    return formatResource({ ...resource, entry: kept }, encoding);
  }

  #isNew(encoding: string, shape: string): boolean {
    const key = `${encoding} ${shape}`;
    const isNew = !this.#shapes.has(key);
    this.#shapes.add(key);
    return isNew;
  }
}

function shapeOf(value: FhirValue): string {
  const parts = new Set<string>();
  const walk = (one: FhirValue | undefined, path: string, holder: FhirObject): void => {
    if (Array.isArray(one)) for (const item of one) walk(item, `${path}[]`, holder);
    else if (isObject(one))
      for (const [name, held] of Object.entries(one)) walk(held, `${path}.${name}`, one);
    else parts.add(`${path} ${formOf(one as string, path, holder)}`);
  };
  walk(value, "", {});
  return [...parts].sort().join("\n");
}

function formOf(value: FhirValue | undefined, path: string, { system }: FhirObject): string {
  if (typeof value !== "string") return typeof value;
  const name = path.slice(path.lastIndexOf(".") + 1).replaceAll("[]", "");
  const foreign = name === "code" && typeof system === "string" && !ofHl7.test(system);
  if (coded.has(name) && !foreign) return value;
  if (name === "url" && /xtension\[\]\.url$/.test(path)) return value;
  return /^[0-9]{4}(-[0-9]{2}|$)/.test(value) ? value.replace(/[0-9]/g, "0") : "string";
}
