import { escaped } from "../pages/html.ts";
import { hrefOf } from "../pages/page.ts";
import type { Schema } from "./contract.ts";

/** The name of a schema, taken apart. */
export interface TypeName {
  /** `wellapi.type.v1`. */
  readonly package: string;
  /** Within the package, such as `Consent.State`. */
  readonly name: string;
  /** The form that requests have. */
  readonly input: boolean;
}

export function typeNameOf(schema: string): TypeName {
  const parts = /^((?:[a-z]\w*\.)*[a-z]\w*)\.([A-Z].*?)(\.Input)?$/.exec(schema);
  if (parts === null) throw new Error(`${schema} is no name of a type`);
  return { package: parts[1]!, name: parts[2]!, input: parts[3] !== undefined };
}

export function typesPath(packageName: string): string {
  return `reference/types/${packageName}`;
}

export function anchorOf({ name, input }: TypeName): string {
  return input ? `${name}.Input` : name;
}

const prefix = "#/components/schemas/";

/** The name of the schema that is referred to. */
export function referred(ref: string): string {
  if (!ref.startsWith(prefix)) throw new Error(`${ref} is no schema of the document`);
  return ref.slice(prefix.length);
}

/** The type in words, as HTML, with a link to its own section. */
export function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return typeLink(referred(schema.$ref));
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.type === "object" && schema.additionalProperties) {
    return `map of ${typeOf(schema.additionalProperties as Schema)}`;
  }
  if (schema.contentEncoding !== undefined) return `bytes (${escaped(String(schema.contentEncoding))})`;
  if (schema.type === undefined) return "JSON";
  return schema.format === undefined
    ? escaped(schema.type)
    : `${escaped(schema.type)} (${escaped(String(schema.format))})`;
}

export function typeLink(schema: string): string {
  const name = typeNameOf(schema);
  return `<a href="${hrefOf(typesPath(name.package))}#${anchorOf(name)}">${escaped(name.name)}</a>`;
}
