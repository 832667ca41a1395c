import type { FhirResource } from "@wellapi/fhir-r4";
import { partyOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import type { ObservationPosition } from "../blocks/observation-scan.ts";
import { listClinicalRecords } from "../clinical/clinical-read.ts";
import type { RecordPosition } from "../clinical/record-scan.ts";
import type { ClinicalReadDeps, ShownRecord } from "../clinical/shown-record.ts";
import type { Intent } from "../gate/intent.ts";
import { ALWAYS } from "../model/interval.ts";
import { dayOf } from "../model/utc-day.ts";
import { type CodedRun, type DaysPosition, queryDays } from "../read/query-days.ts";
import { partOf, positionAt } from "../read/query-series.ts";
import { listObservations, type ReadObservationsDeps } from "../read/read-observations.ts";
import type { ReadSeriesDeps } from "../read/read-series.ts";
import { ANY_SOURCE } from "../read/source-filter.ts";
import { observationResource, sampleResources } from "./anonymous-convert.ts";
import { queryOfType } from "./clinical-convert.ts";

export interface AnonymousReadDeps extends ClinicalReadDeps, ReadObservationsDeps, ReadSeriesDeps {
  readonly pairwise: Pairwise;
}

/** Where a page begins: Observations are clinical records, then single observations, then samples. */
export type AnonymousPosition =
  | { readonly part: "records"; readonly after?: RecordPosition }
  | { readonly part: "observations"; readonly after?: ObservationPosition }
  | { readonly part: "samples"; readonly from?: DaysPosition };

/** What an export asks for. */
export interface AnonymousQuery {
  /** FHIR's name. */
  readonly type: string;
  /**
   * UTC milliseconds. Records and single observations that came since; samples, which do not say when they came, that were taken since. A
   * file of an export is not parted, so that without it the samples of years would leave no room.
   */
  readonly since: number | undefined;
}

/** With internal ids, and not yet without what tells who the patient is. */
export interface AnonymousPage {
  readonly resources: readonly FhirResource[];
  readonly next: AnonymousPosition | undefined;
}

export const RECORDS_A_PAGE = { usual: 500, most: 500 };
/** More than an answer holds: its bytes decide. */
const SAMPLES_A_PAGE = 25_000;
/** An answer passes 1 MiB. */
const PAGE_CHARACTERS = 800_000;

/** A page of one patient's resources of a type, under the permits for data without names. */
export function readAnonymously(
  deps: AnonymousReadDeps,
  intent: Intent,
  query: AnonymousQuery,
  size: number,
  position: AnonymousPosition = { part: "records" },
): Promise<AnonymousPage> {
  switch (position.part) {
    case "records":
      return readRecords(deps, intent, query, size, position.after);
    case "observations":
      return readObservations(deps, intent, query, size, position.after);
    case "samples":
      return readSamples(deps, intent, query, position.from);
  }
}

async function readRecords(
  deps: AnonymousReadDeps,
  intent: Intent,
  { type, since }: AnonymousQuery,
  size: number,
  position: RecordPosition | undefined,
): Promise<AnonymousPage> {
  const query = queryOfType(deps.pairwise, partyOf(intent.caller), type, since);
  const { records, next } = await listClinicalRecords(deps, intent, query, size, position);
  const { patient } = deps.gate.subject(intent.caller, intent.patient);
  const resources = records.map((record) => resourceOf(record, patient));
  if (next !== undefined) return { resources, next: { part: "records", after: next } };
  return { resources, next: type === "Observation" ? { part: "observations" } : undefined };
}

/** With internal ids, as references have them. */
function resourceOf({ record, type, content }: ShownRecord, patient: string): FhirResource {
  const id = (type === "Patient" ? patient : record).replace("_", "-");
  return { ...content!.resource, resourceType: type, id };
}

async function readObservations(
  deps: AnonymousReadDeps,
  intent: Intent,
  { since = ALWAYS.from }: AnonymousQuery,
  size: number,
  position: ObservationPosition | undefined,
): Promise<AnonymousPage> {
  const query = { codes: undefined, interval: ALWAYS, sources: ANY_SOURCE, descending: false };
  const { observations, next } = await listObservations(deps, intent, query, size, position);
  const { patient } = deps.gate.subject(intent.caller, intent.patient);
  const came = observations.filter(({ record }) => record.provenance.received >= since);
  const resources = came.flatMap((one) => observationResource(deps.terminology, patient, one) ?? []);
  return { resources, next: next ? { part: "observations", after: next } : { part: "samples" } };
}

async function readSamples(
  deps: AnonymousReadDeps,
  intent: Intent,
  { since = ALWAYS.from }: AnonymousQuery,
  position: DaysPosition | undefined,
): Promise<AnonymousPage> {
  const query = {
    codes: undefined,
    interval: { from: since, to: ALWAYS.to },
    sources: ANY_SOURCE,
    wanted: { unit: "", digits: undefined },
    kinds: { series: true, observations: false },
    descending: false,
  };
  const page = await queryDays(deps, intent, query, SAMPLES_A_PAGE, position);
  const { patient } = deps.gate.subject(intent.caller, intent.patient);
  const resources: FhirResource[] = [];
  let characters = 0;
  for (const one of page.runs) {
    for (const { from, resource } of sampleResources(deps.terminology, patient, one)) {
      characters += JSON.stringify(resource).length;
      // Samples that are not evenly spaced take a resource each, and some two hundred times their own size.
      if (resources.length > 0 && characters > PAGE_CHARACTERS) {
        return { resources, next: { part: "samples", from: positionIn(one, from) } };
      }
      resources.push(resource);
    }
  }
  return { resources, next: page.next && { part: "samples", from: page.next } };
}

function positionIn({ code, series, run }: CodedRun, from: number): DaysPosition {
  const rest = partOf(run, from);
  return { day: dayOf(rest.columns.times[0]!), code, ...positionAt(series, rest) };
}
