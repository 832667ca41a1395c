import { type FhirResource, type FhirValue, isObject } from "@wellapi/fhir-r4";
import type { HttpReply } from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { readSearch, type SearchQuery } from "../../search/query-convert.ts";
import { queryOf } from "../address.ts";
import type { Exchange } from "../exchange.ts";
import { entryOf, sendSearchSet } from "../search-set.ts";
import { joinedReader } from "./joined-reads.ts";
import type { Found, Source } from "./source.ts";
import { clinicalSource, codesOf, samplesOf, singleSource } from "./sources.ts";

const mostOfCode = 100;
/** Clinical records that are looked at, where a category and no code is named. */
const mostLookedAt = 1_000;

/**
 * GET Observation/$lastn: of each code the newest (http://hl7.org/fhir/R4/observation-operation-lastn.html). What is about a time that ended
 * later is newer: samples of a morning are newer than one at its beginning.
 */
export async function lastn(exchange: Exchange): Promise<HttpReply> {
  const { request, reply, format, base } = exchange;
  const parameters = queryOf(request);
  const self = `${base}/Observation/$lastn?${parameters}`;
  const max = maxOf(parameters.get("max"));
  parameters.delete("max");
  refuseParameters(parameters);
  const query = readSearch("Observation", parameters, base);
  const groups = query.empty ? [] : await groupsOf(exchange, query, max);
  const entries = groups.flatMap((group) =>
    group
      .toSorted((a, b) => b.endMs - a.endMs || b.ms - a.ms)
      .slice(0, max)
      .map((one) => entryOf(base, query.subset, one, "match")),
  );
  return sendSearchSet(reply, format, { self }, entries);
}

function maxOf(text: string | null): number {
  const max = text === null ? 1 : Number(text);
  if (Number.isInteger(max) && max >= 1 && max <= mostOfCode) return max;
  throw new FhirServiceError("INVALID_REQUEST", `max has to be from 1 to ${mostOfCode}`);
}

function refuseParameters(parameters: URLSearchParams): void {
  const unfit = ["_count", "_page", "_sort", "_id", "_revinclude", "_include"].find((name) =>
    parameters.has(name),
  );
  if (unfit !== undefined)
    throw new FhirServiceError("INVALID_REQUEST", `${unfit} is not a parameter of $lastn`);
  if (parameters.has("code") || parameters.has("category")) return;
  throw new FhirServiceError("TOO_COSTLY", "Add code or category: $lastn asks for the newest of each code");
}

/** What is newest of each code, with more than is asked for where several sources have it. */
async function groupsOf(
  exchange: Exchange,
  query: SearchQuery,
  max: number,
): Promise<readonly (readonly Found[])[]> {
  const { codes = [] } = query.records;
  const measured = codesOf(query) ?? [];
  const groups = new Map<string, Found[]>();
  const add = (key: string, found: readonly Found[]) =>
    groups.set(key, [...(groups.get(key) ?? []), ...found]);
  for (const { system = "", code = "" } of codes) {
    const one = { ...query, records: { ...query.records, codes: [{ system, code }] } };
    const known = measured.find((own) => own.code === code && (system === "" || own.system === system));
    add(
      known === undefined ? `${system}|${code}` : keyOf(known),
      await first(clinicalSource(exchange, one), max),
    );
  }
  if (codes.length === 0) {
    const found = await first(clinicalSource(exchange, query), mostLookedAt);
    for (const one of found) add(codeKeyOf(one.resource), [one]);
  }
  for (const code of measured) {
    const reader = joinedReader(exchange, query.patient);
    const sources = [singleSource(reader, query, [code]), samplesOf(reader, query, [code])];
    const found = await Promise.all(sources.map((source) => first(source, max)));
    add(keyOf(code), found.flat());
  }
  return [...groups.values()];
}

async function first(source: Source, most: number): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (let position: string | undefined = ""; position !== undefined && found.length < most; ) {
    const fetched = await source.fetch(position, most);
    found.push(...fetched.found);
    position = fetched.more ? await fetched.after(fetched.found.length) : undefined;
  }
  return found.slice(0, most);
}

function keyOf({ system, code }: { readonly system: string; readonly code: string }): string {
  return `${system}|${code}`;
}

function codeKeyOf({ code }: FhirResource): string {
  const codings: readonly FhirValue[] = isObject(code) && Array.isArray(code.coding) ? code.coding : [];
  const coding = codings.find(isObject);
  return coding === undefined ? JSON.stringify(code) : `${coding.system ?? ""}|${coding.code}`;
}
