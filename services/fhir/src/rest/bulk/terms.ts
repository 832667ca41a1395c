import { type FhirObject, type FhirValue, intervalOfDate, isObject } from "@wellapi/fhir-r4";
import type { HttpRequest } from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { typeFilterOf, typeFiltersIn } from "../../search/type-filter.ts";
import { queryOf } from "../address.ts";
import { ndjsonType, sentResource } from "../content.ts";
import { root } from "../exchange.ts";
import { isServed } from "../types.ts";

/** What a request asks to export. */
export interface Terms {
  /** FHIR's names; empty: all. */
  readonly types: readonly string[];
  /** UTC milliseconds. */
  readonly since: number | undefined;
  /** `name`, or `Patient.name` of one type alone; empty: all. */
  readonly elements: readonly string[];
  /** Searches: of a type that has some, what any of them finds. */
  readonly typeFilters: readonly string[];
  readonly deIdentified: boolean;
}

const outputFormats: ReadonlySet<string> = new Set([ndjsonType, "application/ndjson", "ndjson"]);

/** Parameters, and whether they may be repeated: a `list`, which an address has in one text, in a body of Parameters alone. */
const known: Readonly<Record<string, "once" | "list" | "repeated">> = {
  _type: "list",
  _since: "once",
  _elements: "list",
  _typeFilter: "repeated",
  _outputFormat: "once",
  _deIdentified: "once",
};

/** Parameters of the guide that are not there, with what to do instead. */
const missing: Readonly<Record<string, string>> = {
  includeAssociatedData: "leave it out: Provenance comes by its type",
  patient: "leave it out: the patients are those who have consented",
  organizeOutputBy: "leave it out: files are made by type",
  allowPartialManifests: "leave it out: the manifest is whole at once",
};

type Values = ReadonlyMap<string, readonly string[]>;

/** Of the address, or of a body of Parameters (Bulk Data Access 2.0). Nothing is ignored: what is not known would give more than was asked for. */
export function termsOf(request: HttpRequest): Terms {
  const values = valuesOf(request);
  const one = (name: string) => values.get(name)?.[0];
  const list = (name: string) => [...new Set((values.get(name) ?? []).flatMap((text) => text.split(",")))];
  const types = list("_type").filter((type) => type !== "");
  if (!types.every(isServed)) {
    throw wrong("_type", `_type names a type that is not served: ${root}/metadata lists them`);
  }
  // A plus sign in an address may have become a space.
  if (!outputFormats.has((one("_outputFormat") ?? ndjsonType).replace("fhir ", "fhir+"))) {
    throw wrong("_outputFormat", `_outputFormat is ${ndjsonType}`);
  }
  const elements = list("_elements").filter((text) => text !== "");
  if (!elements.every((text) => elementForm.test(text))) {
    throw wrong("_elements", "_elements names elements at the root, as code or Patient.name");
  }
  const said = one("_deIdentified") ?? "false";
  if (said !== "true" && said !== "false") throw wrong("_deIdentified", "_deIdentified is true or false");
  const deIdentified = said === "true";
  const typeFilters = typeFiltersOf(values.get("_typeFilter") ?? [], types, deIdentified);
  return { types, since: instantOf(one("_since")), elements, typeFilters, deIdentified };
}

function typeFiltersOf(
  sent: readonly string[],
  types: readonly string[],
  deIdentified: boolean,
): readonly string[] {
  const filters = [...new Set(sent.flatMap(typeFiltersIn))];
  // By true dates and codes of few it would tell what a de-identified file keeps back.
  if (filters.length > 0 && deIdentified)
    throw wrong("_typeFilter", "a de-identified export has all of a type: leave _typeFilter out");
  if (filters.length > mostFilters || filters.some(({ length }) => length > mostFilterCharacters)) {
    throw wrong(
      "_typeFilter",
      `there may be ${mostFilters} filters of at most ${mostFilterCharacters} characters each`,
    );
  }
  for (const { type } of filters.map(typeFilterOf)) {
    if (types.length > 0 && !types.includes(type))
      throw wrong("_typeFilter", "a _typeFilter is of a type that _type does not name");
  }
  return filters;
}

/** As the contract has them. */
const mostFilters = 32;
const mostFilterCharacters = 512;

function valuesOf(request: HttpRequest): Values {
  const values = new Map<string, string[]>();
  const add = (name: string, textIn: () => string, repeats: boolean): void => {
    assertKnown(name);
    const before = values.get(name) ?? [];
    if (before.length > 0 && !repeats) throw wrong(name, `${name} may be given once`);
    values.set(name, [...before, textIn()]);
  };
  for (const [name, text] of queryOf(request)) {
    if (name !== "_format") add(name, () => text, known[name] === "repeated");
  }
  if (request.method !== "POST") return values;
  for (const parameter of parametersOf(request)) {
    const name = String(parameter.name);
    add(name, () => textOf(name, parameter), known[name] !== "once");
  }
  return values;
}

function assertKnown(name: string): void {
  if (Object.hasOwn(known, name)) return;
  if (!Object.hasOwn(missing, name)) {
    throw new FhirServiceError("INVALID_REQUEST", `An export takes ${Object.keys(known).join(", ")}`);
  }
  const text = `${name} is not supported: ${missing[name]}`;
  throw new FhirServiceError("INVALID_REQUEST", [
    { severity: "error", code: "not-supported", text, expression: name },
  ]);
}

function parametersOf(request: HttpRequest): readonly FhirObject[] {
  const { resourceType, parameter } = sentResource(request);
  if (resourceType !== "Parameters") {
    throw new FhirServiceError("INVALID_REQUEST", "Send what to export as a Parameters resource");
  }
  return Array.isArray(parameter) ? parameter.filter(isObject) : [];
}

/** The one `value[x]`, of a type that is written as one text. */
function textOf(name: string, parameter: FhirObject): string {
  const [, value]: readonly (FhirValue | undefined | string)[] =
    Object.entries(parameter).find(([key]) => /^value[A-Z]/.test(key)) ?? [];
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  throw wrong(name, `${name} has to have a text, an instant or a boolean`);
}

function instantOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? intervalOfDate(text)
    : undefined;
  if (instant !== undefined) return Date.parse(text);
  throw wrong("_since", "_since is an instant, as 2026-11-27T08:00:00Z");
}

function wrong(parameter: string, text: string): FhirServiceError {
  return new FhirServiceError("INVALID_REQUEST", [
    { severity: "error", code: "invalid", text, expression: parameter },
  ]);
}

const elementForm = /^([A-Z][A-Za-z]{1,63}\.)?[a-z][A-Za-z]{0,63}$/;
