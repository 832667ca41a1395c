import table from "./generated/search-parameters.json" with { type: "json" };

/** A search parameter of HL7. */
export interface SearchParameter {
  readonly name: string;
  readonly type:
    | "number"
    | "date"
    | "string"
    | "token"
    | "reference"
    | "composite"
    | "quantity"
    | "uri"
    | "special";
  /** FHIRPath, from a resource of the type: what is searched. */
  readonly expression: string;
  /** The types that a reference may point to; undefined where any, or where it is no reference. */
  readonly targets: readonly string[] | undefined;
}

type Entry = Omit<SearchParameter, "name">;

const entries = table as unknown as Readonly<Record<string, Readonly<Record<string, Entry>>>>;

/**
 * HL7's search parameters of a resource type, by name, with those of every resource (`_id`, `_lastUpdated`, …). Empty for a type
 * that R4 does not have. What a server supports of them is for its CapabilityStatement to say.
 */
export function searchParameters(type: string): ReadonlyMap<string, SearchParameter> {
  if (!Object.hasOwn(entries, type)) return new Map();
  const all = { ...entries.Resource, ...entries.DomainResource, ...entries[type] };
  return new Map(
    Object.entries(all).map(([name, { type: kind, expression, targets }]) => [
      name,
      { name, type: kind, expression, targets },
    ]),
  );
}
