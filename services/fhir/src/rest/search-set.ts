import {
  type BundleLinks,
  type FhirFormat,
  type FhirResource,
  formatJson,
  formatResource,
  formatSearchSet,
  type SearchEntry,
  searchSet,
} from "@wellapi/fhir-r4";
import type { HttpReply } from "@wellapi/http";
import { type Subset, withSubset } from "../search/subset.ts";
import { contentTypeOf } from "./content.ts";

/** What may be an entry of a page, or a line of an export. */
export interface Entered {
  readonly resource: FhirResource;
  /** Its JSON and `Observation/<id>`, where they are known without the resource. */
  readonly text?: string | undefined;
  readonly address?: string;
}

/** An entry of a page, with the elements that were asked for. Where all were, the resource is read only if its JSON is not known. */
export function entryOf(
  base: string,
  subset: Subset,
  entered: Entered,
  mode: SearchEntry["mode"],
): SearchEntry {
  const { address = addressOf(entered.resource), text } = entered;
  const fullUrl = `${base}/${address}`;
  if (subset !== "all") return { fullUrl, mode, resource: withSubset(entered.resource, subset) };
  return {
    fullUrl,
    mode,
    text,
    get resource() {
      return entered.resource;
    },
  };
}

/** Its JSON, with the elements that were asked for. */
export function writtenOf(entered: Entered, subset: Subset): string {
  return (subset === "all" ? entered.text : undefined) ?? formatJson(withSubset(entered.resource, subset));
}

export function addressOf({ resourceType, id }: FhirResource): string {
  return `${resourceType}/${id}`;
}

/** A page of a search: in JSON, what is written already goes in as it stands. */
export function sendSearchSet(
  reply: HttpReply,
  format: FhirFormat,
  links: BundleLinks,
  entries: readonly SearchEntry[],
): HttpReply {
  const text =
    format === "json" ? formatSearchSet(links, entries) : formatResource(searchSet(links, entries), format);
  return reply.header("content-type", contentTypeOf(format)).send(text);
}
