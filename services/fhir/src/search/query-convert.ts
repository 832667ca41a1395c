import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ClinicalOrder } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import type { ListClinicalRecordsRequestSchema } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { FhirServiceError } from "../errors.ts";
import { parseLogicalId, patientIdOf } from "../mapping/logical-id.ts";
import { patientOfText } from "../mapping/subject.ts";
import { parametersOf, type TypeParameters } from "../rest/types.ts";
import { datesOf, type SearchedDates } from "./dates.ts";
import type { Asked } from "./fits.ts";
import { type Include, includesOf } from "./includes.ts";
import { quantityOf } from "./quantities.ts";
import { type Subset, subsetOf } from "./subset.ts";

/** Fields of the request that a search decides. */
type RecordsQuery = Pick<
  MessageInitShape<typeof ListClinicalRecordsRequestSchema>,
  "codes" | "resourceCategories" | "statuses" | "identifiers" | "interval" | "updated" | "records" | "order"
>;

/** What a search asks of resources, whoever's they are. */
export interface Criteria {
  /** Fields of ListClinicalRecords. */
  readonly records: RecordsQuery;
  /** What is asked of Observations that are made of measurements: the same, where *records* does not look at it. */
  readonly asked: Asked;
  /** Nothing can match, so that nobody has to be asked. */
  readonly empty: boolean;
}

/** A search that was understood. */
export interface SearchQuery extends Criteria {
  readonly type: string;
  readonly patient: string;
  /** Ids of measurements that are asked for: `obs_…`, `ser_…`; undefined where no ids are. */
  readonly measurements: readonly string[] | undefined;
  /** 0: the usual number. */
  readonly count: number;
  readonly pageToken: string;
  readonly subset: Subset;
  /** Which references are followed. */
  readonly includes: readonly Include[];
  /** Whether Provenance of what was found is given, too. */
  readonly provenance: boolean;
  /** What was understood, for the links of the page. */
  readonly parameters: URLSearchParams;
}

/** Parameters of results, and of the page; `_format` is read before. */
const ofResults = ["_count", "_sort", "_summary", "_elements", "_include", "_revinclude", "_page", "_format"];
const ofEveryType = ["_id", "_lastUpdated", "identifier", "patient", "subject"];
const mostValues = 32;

/** Names of the search parameters of a type, without those of results. Sorted. */
export function searchNames(type: string): readonly string[] {
  const ofType = type === "Observation" ? ["value-quantity"] : [];
  return [...ofEveryType, ...ofType, ...Object.values(parametersOf(type) as Record<string, string>)].sort();
}

/** Reads a search. Throws INVALID_REQUEST, naming what is not known, and TOO_COSTLY where it names no patient. */
export function readSearch(type: string, parameters: URLSearchParams, base: string): SearchQuery {
  assertKnown(type, parameters);
  const names = parametersOf(type);
  const ids = listed(parameters, "_id");
  const patient = patientIn(parameters, ids, base);
  const criteria = criteriaIn(type, parameters);
  const records = ids === undefined ? undefined : recordsIn(ids, patient);
  const measurements = ids === undefined ? undefined : measurementsIn(ids, patient);
  const none =
    records?.length === 0 && type !== "Device" && (type !== "Observation" || measurements?.length === 0);
  return {
    type,
    patient,
    records: {
      ...(records !== undefined && { records }),
      ...criteria.records,
      order: orderOf(type, parameters.get("_sort"), names.date),
    },
    asked: criteria.asked,
    measurements,
    empty: criteria.empty || (type !== "Patient" && none),
    count: countOf(parameters.get("_count")),
    pageToken: parameters.get("_page") ?? "",
    subset: subsetOf(parameters),
    includes: includesOf(type, parameters.getAll("_include")),
    provenance: provenanceOf(parameters.getAll("_revinclude")),
    parameters,
  };
}

/** What the parameters of a search ask of resources of the type. Throws INVALID_REQUEST. */
export function criteriaIn(type: string, parameters: URLSearchParams): Criteria {
  const names = parametersOf(type);
  const dates = datesIn(parameters, names.date);
  const updated = datesIn(parameters, "_lastUpdated");
  const tokens = tokensIn(parameters, names);
  return {
    records: {
      ...tokens,
      ...(dates.found && { interval: timeInterval(dates.found) }),
      ...(updated.found && { updated: timeInterval(updated.found) }),
    },
    asked: {
      statuses: tokens.statuses,
      identifiers: tokens.identifiers,
      quantities: listed(parameters, "value-quantity")?.map(quantityOf) ?? [],
      dates: dates.found,
      updated: updated.found,
    },
    empty: dates.empty || updated.empty,
  };
}

function assertKnown(type: string, parameters: URLSearchParams): void {
  const known = new Set([...ofResults, ...searchNames(type)]);
  const unknown = [...parameters.keys()].find((name) => !known.has(name));
  if (unknown === undefined) return;
  // A filter that is ignored gives more than was asked for, so that nothing is ignored.
  const shown = /^[A-Za-z_:.-]{1,64}$/.test(unknown) ? unknown : "one of the parameters";
  throw new FhirServiceError(
    "INVALID_REQUEST",
    `${shown} is not searched by on ${type}: there are ${[...known].join(", ")}; no modifiers and no chains`,
  );
}

/** The patient of the search: named, or by the ids that are asked for. */
function patientIn(parameters: URLSearchParams, ids: readonly string[] | undefined, base: string): string {
  const named = ["patient", "subject"].flatMap((name) => parameters.getAll(name));
  const patients = new Set(named.map((text) => patientOfText(text, base) ?? patientIdOf(text)));
  for (const id of ids ?? []) {
    const patient = parseLogicalId(id)?.patient ?? patientIdOf(id);
    if (patient !== undefined) patients.add(patient);
  }
  const [patient, ...others] = patients;
  if (patients.size === 0) {
    throw new FhirServiceError(
      "TOO_COSTLY",
      "Add patient=Patient/<id>: a search is within one patient's record",
    );
  }
  if (patient === undefined || others.length > 0) {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      "patient has to name one patient by its id here: Patient/pat-…",
    );
  }
  return patient;
}

/** The records of the ids that are this patient's. */
function recordsIn(ids: readonly string[], patient: string): string[] {
  return ids.flatMap((id) => {
    const logical = parseLogicalId(id);
    return logical?.patient === patient && logical.record.startsWith("rec_") ? [logical.record] : [];
  });
}

/** The measurements of the ids that are this patient's. */
function measurementsIn(ids: readonly string[], patient: string): string[] {
  return ids.flatMap((id) => {
    const logical = parseLogicalId(id);
    return logical?.patient === patient && /^(obs|ser)_/.test(logical.record) ? [logical.record] : [];
  });
}

function tokensIn(parameters: URLSearchParams, names: TypeParameters) {
  const tokens = (name: string | undefined) =>
    (name === undefined ? undefined : listed(parameters, name))?.map((text) => tokenOf(name!, text)) ?? [];
  return {
    codes: tokens(names.code).map(({ system, value }) => ({ system, code: value })),
    resourceCategories: tokens(names.category).map(({ system, value }) => ({ system, code: value })),
    statuses: tokens(names.status).map(({ value }) => value),
    identifiers: tokens("identifier"),
  };
}

/** `system|code`, or `code` of any system. */
function tokenOf(name: string, text: string): { readonly system: string; readonly value: string } {
  const bar = text.indexOf("|");
  const [system, value] = bar < 0 ? ["", text] : [text.slice(0, bar), text.slice(bar + 1)];
  if (value !== "") return { system, value };
  throw new FhirServiceError(
    "INVALID_REQUEST",
    `${name} has to be <code> or <system>|<code>: a system alone is not searched by`,
  );
}

/** The values of a parameter, any of which may match; undefined where it is not given. */
export function listed(parameters: URLSearchParams, name: string): string[] | undefined {
  const given = parameters.getAll(name);
  if (given.length === 0) return undefined;
  if (given.length > 1) {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      `${name} may be given once, with values that are joined by commas`,
    );
  }
  const values = given[0]!.split(",").filter((one) => one !== "");
  if (values.length >= 1 && values.length <= mostValues) return values;
  throw new FhirServiceError("INVALID_REQUEST", `${name} has to have 1 to ${mostValues} values`);
}

export function datesIn(parameters: URLSearchParams, name: string | undefined) {
  const values = name === undefined ? [] : parameters.getAll(name);
  const found = values.length === 0 ? undefined : datesOf(name!, values);
  return { found, empty: values.length > 0 && found === undefined };
}

export function timeInterval({ from, to }: SearchedDates) {
  return {
    ...(from !== undefined && { startTime: timestampFromMs(from) }),
    ...(to !== undefined && { endTime: timestampFromMs(to) }),
  };
}

function orderOf(type: string, sort: string | null, date: string | undefined): ClinicalOrder {
  // Samples do not say when they came, so that there is no order by it that would be true.
  const byUpdate = type !== "Observation";
  if (sort === null) return ClinicalOrder.NEWEST;
  if (byUpdate && sort === "_lastUpdated") return ClinicalOrder.UPDATED;
  if (byUpdate && sort === "-_lastUpdated") return ClinicalOrder.LAST_UPDATED;
  if (date !== undefined && sort === date) return ClinicalOrder.OLDEST;
  if (date !== undefined && sort === `-${date}`) return ClinicalOrder.NEWEST;
  const names = [...(byUpdate ? ["_lastUpdated"] : []), ...(date === undefined ? [] : [date])];
  throw new FhirServiceError(
    "INVALID_REQUEST",
    `_sort has to be one of ${names.join(", ")}, or this with - before it`,
  );
}

export function countOf(text: string | null): number {
  if (text === null) return 0;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1_000) return count;
  throw new FhirServiceError("INVALID_REQUEST", "_count has to be from 1 to 1000");
}

function provenanceOf(asked: readonly string[]): boolean {
  if (asked.every((one) => one === "Provenance:target")) return asked.length > 0;
  throw new FhirServiceError("INVALID_REQUEST", "_revinclude has to be Provenance:target");
}
