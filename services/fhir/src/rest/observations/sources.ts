import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type FhirResource, intervalOfDate, isObject } from "@wellapi/fhir-r4";
import { ClinicalOrder } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import type { StoredObservation } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { shippedTerminology } from "@wellapi/terminology";
import { observationOf, spanOf } from "../../mapping/observation-convert.ts";
import { isStanding, type StandingRecord, servedRecord } from "../../mapping/record-convert.ts";
import { fits, type Span } from "../../search/fits.ts";
import { measuredCodes, type SearchedToken } from "../../search/measured-codes.ts";
import { hasQuantity } from "../../search/quantities.ts";
import type { SearchQuery } from "../../search/query-convert.ts";
import { calling, type Exchange } from "../exchange.ts";
import { joinedReader, type ObservationReader } from "./joined-reads.ts";
import { readMeasurement } from "./read.ts";
import { reachMs, seriesSource } from "./series-source.ts";
import { compareFound, type Found, listSource, nothing, readySource, type Source } from "./source.ts";

const none: Source = { fetch: async () => nothing };

export function isDescending({ records }: Pick<SearchQuery, "records">): boolean {
  return records.order !== ClinicalOrder.OLDEST;
}

/** Where the Observations of a search come from: clinical records, single observations, samples. Always three, in this order. */
export async function sourcesOf(exchange: Exchange, query: SearchQuery): Promise<readonly Source[]> {
  const { measurements } = query;
  if (measurements !== undefined) {
    return [clinicalSource(exchange, query), readySource(await named(exchange, query, measurements)), none];
  }
  return observationSources(joinedReader(exchange, query.patient), query);
}

/** Of a search that names no ids. */
export function observationSources(
  reader: ObservationReader,
  query: SourceQuery,
): readonly [Source, Source, Source] {
  const codes = codesOf(query);
  const clinical = clinicalSource(reader, query);
  if (codes?.length === 0) return [clinical, none, none];
  return [clinical, singleSource(reader, query, codes), samplesOf(reader, query, codes)];
}

/** The codes of measurements that are searched for; undefined: all. */
export function codesOf({ records }: SourceQuery): readonly SearchedToken[] | undefined {
  const tokens = (list: SearchQuery["records"]["codes"]) =>
    (list ?? []).map(({ system = "", code = "" }) => ({ system, code }));
  return measuredCodes(shippedTerminology, tokens(records.codes), tokens(records.resourceCategories));
}

/** What a source needs of a search. */
export type SourceQuery = Pick<SearchQuery, "patient" | "asked" | "records">;

/** Clinical records of some types. */
export function clinicalSource(
  { records, purpose }: Pick<ObservationReader, "records" | "purpose">,
  query: SourceQuery,
  types: readonly string[] = ["Observation"],
): Source {
  const { patient, asked } = query;
  // No ids of clinical records are asked for: an empty list would ask for all.
  if (query.records.records?.length === 0 && !types.includes("Patient")) return none;
  return listSource(async (pageToken, pageSize) => {
    const page = await records.listClinicalRecords(
      { ...query.records, patient, purpose, types: [...types], pageSize, pageToken },
      calling,
    );
    const items = page.records.map((one): Found | undefined => {
      const served = servedRecord(patient, one);
      if (!isStanding(served)) return undefined;
      const found = clinicalFound(served, one.id);
      return asked.quantities.length > 0 && !hasQuantity(found.resource, asked.quantities)
        ? undefined
        : found;
    });
    return { items, next: page.nextPageToken };
  });
}

/** Reads the record when it is looked at: a page of clinical records alone is answered without. */
function clinicalFound(served: StandingRecord, record: string): Found {
  const { address } = served;
  let span: Span | undefined;
  const spanned = () => {
    span ??= clinicalSpan(served.resource, served.updated.getTime());
    return span;
  };
  return {
    record,
    address,
    get ms() {
      return spanned().ms;
    },
    get endMs() {
      return spanned().endMs;
    },
    get resource() {
      return served.resource;
    },
    get text() {
      return served.text;
    },
  };
}

/** As *records* orders them: by the beginning of what they are about, or else by when they came. */
function clinicalSpan(resource: FhirResource, otherwise: number): Span {
  const { effectiveDateTime, effectiveInstant, effectivePeriod } = resource;
  const period = isObject(effectivePeriod) ? effectivePeriod : {};
  const [start, end] = [effectiveDateTime ?? effectiveInstant ?? period.start, period.end].map((one) =>
    typeof one === "string" ? intervalOfDate(one) : undefined,
  );
  const ms = start?.from ?? (end === undefined ? otherwise : Number.MIN_SAFE_INTEGER);
  return { ms, endMs: end?.to ?? start?.to ?? ms };
}

export function singleSource(
  { measurements, purpose, base }: ObservationReader,
  query: SourceQuery,
  codes: readonly SearchedToken[] | undefined,
): Source {
  const { patient, asked } = query;
  const { from, to } = asked.dates ?? {};
  return listSource(async (pageToken, pageSize) => {
    const page = await measurements.listObservations(
      {
        patient,
        purpose,
        ...(codes !== undefined && { codes: [...codes] }),
        interval: {
          ...(from !== undefined && { startTime: timestampFromMs(from - reachMs) }),
          ...(to !== undefined && { endTime: timestampFromMs(to) }),
        },
        oldestFirst: !isDescending(query),
        pageSize,
        pageToken,
      },
      calling,
    );
    const items = page.observations.map((one) => foundOf({ patient, base }, one));
    return {
      items: items.map((one) => (fits(asked, one.resource, one) ? one : undefined)),
      next: page.nextPageToken,
    };
  });
}

export function foundOf(
  view: { readonly patient: string; readonly base: string },
  one: StoredObservation,
): Found {
  return { ...spanOf(one), resource: observationOf(view, one) };
}

export function samplesOf(
  { measurements, purpose, base }: ObservationReader,
  query: SourceQuery,
  codes: readonly SearchedToken[] | undefined,
): Source {
  const { patient, asked } = query;
  const { statuses, identifiers, updated, dates } = asked;
  // What has no identifier, no time of change and no other status is not found by one.
  const possible =
    identifiers.length === 0 &&
    updated === undefined &&
    (statuses.length === 0 || statuses.includes("final"));
  if (!possible) return none;
  return seriesSource({
    records: measurements,
    view: { patient, base },
    purpose,
    codes,
    dates,
    descending: isDescending(query),
    wanted: (one) => fits(asked, one.resource, one),
  });
}

/** Measurements by their ids: those that are there and may be seen. */
async function named(exchange: Exchange, query: SearchQuery, ids: readonly string[]): Promise<Found[]> {
  const { patient, asked } = query;
  const codes = codesOf(query);
  const found: Found[] = [];
  for (const record of new Set(ids)) {
    const one = await readMeasurement(exchange, { patient, record });
    const fitting = one !== undefined && fits(asked, one.resource, one) && isOfCodes(one.resource, codes);
    if (fitting) found.push(one);
  }
  return found.sort((a, b) => compareFound(a, b, isDescending(query)));
}

function isOfCodes({ code }: FhirResource, codes: readonly SearchedToken[] | undefined): boolean {
  const codings = isObject(code) && Array.isArray(code.coding) ? code.coding.filter(isObject) : [];
  return (
    codes === undefined ||
    codings.some((coding) => codes.some((one) => one.code === coding.code && one.system === coding.system))
  );
}
