import type { SearchEntry } from "@wellapi/fhir-r4";
import type { ClinicalRecord } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { isStanding, type StandingRecord, servedRecord } from "../mapping/record-convert.ts";
import { readSearch, type SearchQuery } from "../search/query-convert.ts";
import { pageless, queryOf } from "./address.ts";
import { measuringDevices } from "./devices.ts";
import { calling, type Exchange } from "./exchange.ts";
import { includedIn } from "./included.ts";
import { organizationsIn } from "./ledger/organizations.ts";
import { formatPage, parsePage } from "./observations/cursor.ts";
import { mergedPage } from "./observations/page.ts";
import type { Source } from "./observations/source.ts";
import { clinicalSource, isDescending, sourcesOf } from "./observations/sources.ts";
import { barePatient } from "./patient.ts";
import { entryOf, sendSearchSet } from "./search-set.ts";

/** Entries of a page where the caller does not say. */
const usualCount = 50;

/** GET [type]?… and POST [type]/_search: a page. There is no total: it would count what later pages decide. */
export async function search(exchange: Exchange, type: string) {
  const { request, reply, format, base } = exchange;
  const parameters = queryOf(request);
  if (request.body instanceof URLSearchParams)
    for (const [name, value] of request.body) parameters.append(name, value);
  const organizations = type === "Organization" ? await organizationsIn(exchange, parameters) : undefined;
  if (organizations !== undefined) return organizations;
  const query = readSearch(type, parameters, base);
  const self = `${base}/${type}?${pageless(parameters)}`;
  if (query.empty) return sendSearchSet(reply, format, { self }, []);
  const page = Object.hasOwn(mixed, type) ? mixedPage : pageOf;
  const { entries, next } = await page(exchange, query, pageless(parameters));
  const links = next === "" ? { self } : { self, next: `${self}&_page=${encodeURIComponent(next)}` };
  return sendSearchSet(reply, format, links, entries);
}

interface Page {
  readonly entries: readonly SearchEntry[];
  readonly next: string;
}

/** Types of which not all that is found is a clinical record. */
const mixed: Readonly<
  Record<string, (exchange: Exchange, query: SearchQuery) => Promise<readonly Source[]>>
> = {
  Observation: sourcesOf,
  Device: async (exchange, query) => [
    clinicalSource(exchange, query, ["Device"]),
    measuringDevices(exchange, query),
  ],
  Patient: async (exchange, query) => [clinicalSource(exchange, query, ["Patient"])],
};

/** Clinical records and what the exchange makes, in one order. */
async function mixedPage(exchange: Exchange, query: SearchQuery, asked: string): Promise<Page> {
  const sources = await mixed[query.type]!(exchange, query);
  const begin = parsePage(asked, query.pageToken, sources.length);
  const count = query.count === 0 ? usualCount : query.count;
  const { found, positions } = await mergedPage(sources, begin, count, isDescending(query));
  const shown =
    query.type === "Patient" && found.length === 0 && asksForAnybody(query)
      ? [{ resource: barePatient(query.patient) }]
      : found;
  const matches = shown.map((one) => entryOf(exchange.base, query.subset, one, "match"));
  const clinical = found.flatMap(({ record }) => (record === undefined ? [] : [record]));
  const included = [
    ...(await includedIn(exchange, query, shown)),
    ...(query.provenance ? await provenanceOf(exchange, query, clinical) : []),
  ];
  const done = positions.every((one) => one === undefined);
  return { entries: [...matches, ...included], next: done ? "" : formatPage(asked, positions) };
}

/** A patient of whom there is no record of this type has an id, and nothing else that a search could ask for. */
function asksForAnybody({ pageToken, records, asked }: SearchQuery): boolean {
  return pageToken === "" && asked.updated === undefined && (records.identifiers ?? []).length === 0;
}

async function pageOf(exchange: Exchange, query: SearchQuery): Promise<Page> {
  const { records, purpose } = exchange;
  const { type, patient, count, pageToken } = query;
  const asked = { ...query.records, patient, purpose, types: [type], pageSize: count, pageToken };
  const page = await records.listClinicalRecords(asked, calling);
  const found = servedOf(patient, page.records);
  const matches = found.map((one) => entryOf(exchange.base, query.subset, one, "match"));
  const ids = page.records.map(({ id }) => id);
  const included = [
    ...(await includedIn(exchange, query, found)),
    ...(query.provenance ? await provenanceOf(exchange, query, ids) : []),
  ];
  return { entries: [...matches, ...included], next: page.nextPageToken };
}

/** Provenance of what was found, as far as the caller may see it: at most a page of it. */
async function provenanceOf(
  exchange: Exchange,
  query: SearchQuery,
  ids: readonly string[],
): Promise<SearchEntry[]> {
  if (ids.length === 0) return [];
  const { patient } = query;
  const asked = { patient, purpose: exchange.purpose, types: ["Provenance"], referringTo: ids.slice(0, 64) };
  const { records } = await exchange.records.listClinicalRecords(asked, calling);
  return servedOf(patient, records).map((one) => entryOf(exchange.base, query.subset, one, "include"));
}

function servedOf(patient: string, records: readonly ClinicalRecord[]): readonly StandingRecord[] {
  return records.map((one) => servedRecord(patient, one)).filter(isStanding);
}
