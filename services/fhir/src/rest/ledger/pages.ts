import type { FhirResource } from "@wellapi/fhir-r4";
import type { HttpReply } from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import type { Subset } from "../../search/subset.ts";
import { pageless, queryOf } from "../address.ts";
import type { Exchange } from "../exchange.ts";
import { entryOf, sendSearchSet } from "../search-set.ts";

/** Of every list of what the exchange itself keeps: read beside the parameters of its type. */
const ofResults = ["_count", "_page", "_format", "_summary", "_elements"];

/** Parameters of the address and of a form. Throws INVALID_REQUEST where one is not known. */
export function parametersOf({ request }: Exchange, known: readonly string[]): URLSearchParams {
  const parameters = queryOf(request);
  if (request.body instanceof URLSearchParams)
    for (const [name, value] of request.body) parameters.append(name, value);
  const names = [...known, ...ofResults];
  if ([...parameters.keys()].every((name) => names.includes(name))) return parameters;
  throw new FhirServiceError(
    "INVALID_REQUEST",
    `It is searched by ${names.join(", ")}; no modifiers and no chains`,
  );
}

export interface LedgerPage {
  readonly resources: readonly FhirResource[];
  readonly next: string;
}

export function sendPage(
  { reply, format, base }: Exchange,
  type: string,
  parameters: URLSearchParams,
  { resources, next }: LedgerPage,
  subset: Subset,
): HttpReply {
  const asked = pageless(parameters);
  const self = `${base}/${type}${asked === "" ? "" : `?${asked}`}`;
  const links =
    next === ""
      ? { self }
      : { self, next: `${self}${asked === "" ? "?" : "&"}_page=${encodeURIComponent(next)}` };
  const entries = resources.map((resource) => entryOf(base, subset, { resource }, "match"));
  return sendSearchSet(reply, format, links, entries);
}
