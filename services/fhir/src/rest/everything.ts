import { intervalOfDate } from "@wellapi/fhir-r4";
import { ClinicalOrder } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import type { HttpReply } from "@wellapi/http";
import { FhirServiceError } from "../errors.ts";
import { patientIdOf } from "../mapping/logical-id.ts";
import type { SearchedDates } from "../search/dates.ts";
import { countOf, listed, timeInterval } from "../search/query-convert.ts";
import { pageless, queryOf } from "./address.ts";
import { devicesOf, undated } from "./devices.ts";
import type { Exchange } from "./exchange.ts";
import { notFound } from "./not-found.ts";
import { formatPage, parsePage } from "./observations/cursor.ts";
import { joinedReader } from "./observations/joined-reads.ts";
import { mergedPage } from "./observations/page.ts";
import { readySource, type Source } from "./observations/source.ts";
import { clinicalSource, type SourceQuery, samplesOf, singleSource } from "./observations/sources.ts";
import { readPatient } from "./patient.ts";
import { type Entered, entryOf, sendSearchSet } from "./search-set.ts";
import { isServed, servedTypes } from "./types.ts";

const known = ["start", "end", "_since", "_type", "_count", "_page", "_format"];
const usualCount = 100;

/**
 * GET Patient/[id]/$everything (http://hl7.org/fhir/R4/patient-operation-everything.html): what the caller may see of the patient, in pages; the
 * patient first, then the newest first, devices last.
 */
export async function everything(exchange: Exchange, id: string): Promise<HttpReply> {
  const { request, reply, format, base } = exchange;
  const patient = patientIdOf(id);
  if (patient === undefined) throw notFound();
  const parameters = queryOf(request);
  refuseUnknown(parameters);
  const types = typesIn(parameters);
  const asked = pageless(parameters);
  const count = countOf(parameters.get("_count")) || usualCount;
  const token = parameters.get("_page") ?? "";
  const sources = sourcesOf(exchange, queryIn(parameters, patient), types);
  const begin = parsePage(`${id} ${asked}`, token, sources.length);
  const { found, positions } = await mergedPage(sources, begin, count, true);
  const shown: Entered[] = [...found];
  // The patient first: asked for after the others, so that who may see nothing is refused as in any search.
  if (token === "" && types.has("Patient")) shown.unshift({ resource: await readPatient(exchange, patient) });
  const self = `${base}/Patient/${id}/$everything${asked === "" ? "" : `?${asked}`}`;
  const next = `${self}${asked === "" ? "?" : "&"}_page=${formatPage(`${id} ${asked}`, positions)}`;
  const done = positions.every((one) => one === undefined);
  const links = done ? { self } : { self, next };
  const entries = shown.map((one) => entryOf(base, "all", one, "match"));
  return sendSearchSet(reply, format, links, entries);
}

function refuseUnknown(parameters: URLSearchParams): void {
  const unknown = [...parameters.keys()].some((name) => !known.includes(name));
  if (unknown)
    throw new FhirServiceError("INVALID_REQUEST", `$everything has the parameters ${known.join(", ")}`);
}

function typesIn(parameters: URLSearchParams): ReadonlySet<string> {
  const asked = listed(parameters, "_type") ?? servedTypes;
  if (asked.every(isServed)) return new Set(asked);
  throw new FhirServiceError("INVALID_REQUEST", "_type has to name types that are served, joined by commas");
}

function queryIn(parameters: URLSearchParams, patient: string): SourceQuery {
  const dates = datesBetween(dateIn(parameters, "start")?.from, dateIn(parameters, "end")?.to);
  const since = dateIn(parameters, "_since");
  const updated = since === undefined ? undefined : { from: since.from };
  return {
    patient,
    records: {
      ...(dates !== undefined && { interval: timeInterval(dates) }),
      ...(updated !== undefined && { updated: timeInterval(updated) }),
      order: ClinicalOrder.NEWEST,
    },
    asked: { statuses: [], identifiers: [], quantities: [], dates, updated },
  };
}

function datesBetween(from: number | undefined, to: number | undefined): SearchedDates | undefined {
  if (from === undefined && to === undefined) return undefined;
  if (from !== undefined && to !== undefined && from >= to) {
    throw new FhirServiceError("INVALID_REQUEST", "end has to be no earlier than start");
  }
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function dateIn(parameters: URLSearchParams, name: string) {
  const text = parameters.get(name);
  if (text === null) return undefined;
  const interval = intervalOfDate(text);
  if (interval !== undefined) return interval;
  throw new FhirServiceError("INVALID_REQUEST", `${name} has to be a date, or a time with its zone`);
}

function sourcesOf(exchange: Exchange, query: SourceQuery, types: ReadonlySet<string>): readonly Source[] {
  const clinical = [...types].filter((type) => type !== "Patient");
  const measured = types.has("Observation");
  // Samples do not say when they came: all of them come, so that who asks what is new misses nothing.
  const ofSamples = { ...query, asked: { ...query.asked, updated: undefined } };
  const reader = joinedReader(exchange, query.patient);
  return [
    ...(clinical.length > 0 ? [clinicalSource(exchange, query, clinical)] : []),
    ...(measured ? [singleSource(reader, query, undefined), samplesOf(reader, ofSamples, undefined)] : []),
    ...(types.has("Device") ? [deviceSource(exchange, query.patient)] : []),
  ];
}

function deviceSource(exchange: Exchange, patient: string): Source {
  return {
    async fetch(position, need) {
      const devices = await devicesOf(exchange, patient);
      return readySource(devices.map(undated)).fetch(position, need);
    },
  };
}
