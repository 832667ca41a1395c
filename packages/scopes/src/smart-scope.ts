/** For whom the scope's data is read: one patient, whom a user may see, or whom a backend may see. */
export type SmartContext = "patient" | "user" | "system";

/** A scope of SMART App Launch 2.2 for data: `patient/Observation.rs?category=vital-signs`. */
export interface SmartScope {
  readonly context: SmartContext;
  /** A FHIR resource type, or `*` for all. */
  readonly resource: string;
  /** At least one of c, r, u, d, s, in this order. */
  readonly permissions: string;
  /** Only data of these categories, any of them. Absent: of all. Only of Observation. */
  readonly categories?: readonly string[];
}

const grammar = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]{1,63})\.(c?r?u?d?s?|read|write|\*)(?:\?(.*))?$/;
const longest = 256;

/** The forms of SMART 1, which clients still send. */
const firstVersion: Readonly<Record<string, string>> = { read: "rs", write: "cud", "*": "cruds" };

/** A category as a code, or as `system|code`. */
const category = /^(?:[a-z][a-z0-9+.-]*:[^\s|,?&=]+\|)?[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * Undefined for everything that is not one of these scopes, and for a restriction that this exchange cannot keep: a
 * scope that is understood in part would permit more than it says.
 */
export function parseScope(text: string): SmartScope | undefined {
  if (text.length > longest) return undefined;
  const [, context, resource, letters, query] = grammar.exec(text) ?? [];
  if (context === undefined || resource === undefined || !letters) return undefined;
  const scope = { context: context as SmartContext, resource, permissions: firstVersion[letters] ?? letters };
  if (query === undefined) return scope;
  const categories = resource === "Observation" ? categoriesOf(query) : undefined;
  return categories && { ...scope, categories };
}

/** Undefined where the query says anything but one list of categories. */
function categoriesOf(query: string): readonly string[] | undefined {
  const parameters = [...new URLSearchParams(query)];
  const [first, ...others] = parameters;
  if (first?.[0] !== "category" || others.length > 0) return undefined;
  const categories = first[1].split(",");
  return categories.every((one) => category.test(one)) ? [...new Set(categories)] : undefined;
}

/** In the grammar of SMART 2, whatever form it was parsed from. */
export function formatScope({ context, resource, permissions, categories }: SmartScope): string {
  const query = categories === undefined ? "" : `?category=${categories.join(",")}`;
  return `${context}/${resource}.${permissions}${query}`;
}

/** A scope for data that this exchange understands. */
export function isScope(text: string): boolean {
  return parseScope(text) !== undefined;
}
