import { type FhirResource, type FhirValue, isObject, searchParameters } from "@wellapi/fhir-r4";
import { FhirServiceError } from "../errors.ts";

/** References of a type that a search may ask to be followed. */
export interface Include {
  /** The path of the reference, from a resource of the type. */
  readonly paths: readonly (readonly string[])[];
  /** Only to this type; undefined: to any. */
  readonly target: string | undefined;
}

const form =
  /^([A-Z][A-Za-z]+)\.([A-Za-z.]+?)(\.ofType\(Reference\))?(?:\.where\(resolve\(\) is ([A-Za-z]+)\))?$/;

/** What `_include` takes of a type: `Observation:device`. Sorted. */
export function includeNames(type: string): readonly string[] {
  return [...searchParameters(type).values()]
    .filter(({ type: kind, expression }) => kind === "reference" && includeOf(type, expression) !== undefined)
    .map(({ name }) => `${type}:${name}`)
    .sort();
}

/** Of the values of `_include`. Throws INVALID_REQUEST. @param asked `Observation:device`, `Observation:subject:Patient` */
export function includesOf(type: string, asked: readonly string[]): readonly Include[] {
  return asked.map((one) => {
    const [of = "", name = "", target, ...rest] = one.split(":");
    const parameter = of === type ? searchParameters(type).get(name) : undefined;
    const include = parameter?.type === "reference" ? includeOf(type, parameter.expression) : undefined;
    if (include !== undefined && rest.length === 0) return { ...include, target: target ?? include.target };
    throw new FhirServiceError(
      "INVALID_REQUEST",
      `_include has to name a reference of ${type}: ${includeNames(type).join(", ")}`,
    );
  });
}

/** The path of a search parameter's FHIRPath, where it is but a path. */
function includeOf(type: string, expression: string): Include | undefined {
  const parts = expression.split("|").map((part) => form.exec(part.trim().replace(/^\((.*)\)$/, "$1")));
  const own = parts.filter((part) => part?.[1] === type);
  if (own.length === 0) return undefined;
  const paths = own.map((part) => `${part![2]}${part![3] === undefined ? "" : "Reference"}`.split("."));
  return { paths, target: own[0]![4] };
}

/** The references that are to be followed from a resource, relative to this server. */
export function referencesFrom(resource: FhirResource, includes: readonly Include[]): readonly string[] {
  return includes.flatMap(({ paths, target }) =>
    paths
      .flatMap((path) => path.reduce<readonly FhirValue[]>(stepped, [resource]))
      .flatMap((one) => (isObject(one) && typeof one.reference === "string" ? [one.reference] : []))
      .filter((reference) => target === undefined || reference.startsWith(`${target}/`)),
  );
}

function stepped(values: readonly FhirValue[], name: string): readonly FhirValue[] {
  return values.flatMap((value) => {
    const next = isObject(value) ? value[name] : undefined;
    if (next === undefined) return [];
    return Array.isArray(next) ? (next as readonly FhirValue[]) : [next];
  });
}
