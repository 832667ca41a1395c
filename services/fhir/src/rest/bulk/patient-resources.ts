import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Transport } from "@connectrpc/connect";
import { ClinicalOrder } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import {
  SampleOrder,
  SampleOrigin,
  type SourcedSeries,
  type StoredObservation,
} from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { observationOf } from "../../mapping/observation-convert.ts";
import { isStanding, servedRecord } from "../../mapping/record-convert.ts";
import { seriesObservationsOf } from "../../mapping/series-convert.ts";
import type { View } from "../../mapping/source-convert.ts";
import type { SearchedDates } from "../../search/dates.ts";
import { type Criteria, timeInterval } from "../../search/query-convert.ts";
import type { TypeFilter } from "../../search/type-filter.ts";
import { calling } from "../exchange.ts";
import type { ObservationReader } from "../observations/joined-reads.ts";
import type { Fetched, Source } from "../observations/source.ts";
import { clinicalSource, observationSources } from "../observations/sources.ts";
import {
  type MeasurementsWithin,
  measurementsWithin,
  type RecordPart,
  recordsWithin,
  wholeRecord,
} from "../record-part.ts";
import { addressOf, type Entered } from "../search-set.ts";
import { patiently } from "./patience.ts";

/** Reads of one patient for an export: every resource of a type that the caller may read now, in bounded memory. */
export interface PatientResources {
  /** @param since UTC milliseconds: what was changed from then on, but series, whose samples do not say when they came */
  ofType(type: string, since?: number): AsyncGenerator<Entered>;
  /** Of these what any of the filters finds, as a search does; each once. */
  matching(type: string, filters: readonly TypeFilter[], since?: number): AsyncGenerator<Entered>;
}

/** `part`: what `ofType` tells of. */
export function createPatientResources(
  transport: Transport,
  view: View,
  purpose: Purpose,
  signal: AbortSignal,
  part: RecordPart = wholeRecord,
): PatientResources {
  const records = createClient(RecordsService, transport);
  const clinical = createClient(ClinicalRecordsService, transport);
  const { patient } = view;

  async function* stored(type: string, since: number | undefined): AsyncGenerator<Entered> {
    const updated = since === undefined ? {} : { updated: { startTime: timestampFromMs(since) } };
    const asked = {
      patient,
      purpose,
      types: [type],
      ...recordsWithin(part),
      order: ClinicalOrder.UPDATED,
      pageSize: 1_000,
      ...updated,
    };
    const found = pages(
      (pageToken) => patiently(signal, () => clinical.listClinicalRecords({ ...asked, pageToken }, calling)),
      (page) => page.records,
    );
    for await (const one of found) {
      const served = servedRecord(patient, one);
      if (isStanding(served)) yield served;
    }
  }

  async function* observed(within: MeasurementsWithin, since: number | undefined): AsyncGenerator<Entered> {
    const asked = { patient, purpose, ...within, oldestFirst: true, pageSize: 1_000 };
    const found = pages(
      (pageToken) => patiently(signal, () => records.listObservations({ ...asked, pageToken }, calling)),
      (page) => page.observations,
    );
    for await (const one of found) if (isSince(one, since)) yield { resource: observationOf(view, one) };
  }

  async function* measured(within: MeasurementsWithin): AsyncGenerator<Entered> {
    const order = SampleOrder.OLDEST_DAY;
    const asked = { patient, purpose, ...within, order, origin: SampleOrigin.SERIES, pageSize: 10_000 };
    const found = pages(
      (pageToken) => patiently(signal, () => records.querySeries({ ...asked, pageToken }, calling)),
      (page) => page.series,
    );
    // An Observation is of one day, and one day's samples may come in several pages.
    let day: SourcedSeries[] = [];
    for await (const one of found) {
      if (day.length > 0 && dayOf(one) !== dayOf(day[0]!)) {
        yield* seriesObservationsOf(view, day);
        day = [];
      }
      day.push(one);
    }
    yield* seriesObservationsOf(view, day);
  }

  const reader = patientReader(
    { records: clinical, measurements: records, purpose, base: view.base },
    signal,
  );

  return {
    async *ofType(type, since) {
      yield* stored(type, since);
      if (type !== "Observation") return;
      for (const within of measurementsWithin(part)) yield* observed(within, since);
      for (const within of measurementsWithin(part)) yield* measured(within);
    },
    async *matching(type, filters, since) {
      const told = new Set<string>();
      for (const source of filters.flatMap(({ criteria }) =>
        sourcesOf(reader, type, patient, criteria, since),
      )) {
        for await (const one of allOf(source)) {
          // What only one filter can find needs no memory.
          if (filters.length > 1) {
            const address = one.address ?? addressOf(one.resource);
            if (told.has(address)) continue;
            told.add(address);
          }
          yield one;
        }
      }
    },
  };
}

/** Reads that wait where the caller's budget is spent. */
function patientReader(
  { records, measurements, purpose, base }: ObservationReader,
  signal: AbortSignal,
): ObservationReader {
  const patient = <T>(call: () => Promise<T>) => patiently(signal, call);
  return {
    purpose,
    base,
    records: {
      listClinicalRecords: (...asked) => patient(() => records.listClinicalRecords(...asked)),
    },
    measurements: {
      listObservations: (...asked) => patient(() => measurements.listObservations(...asked)),
      querySeries: (...asked) => patient(() => measurements.querySeries(...asked)),
    },
  };
}

/** Where a patient's resources come from that a filter asks for; none where nothing can match. */
function sourcesOf(
  reader: ObservationReader,
  type: string,
  patient: string,
  { records, asked, empty }: Criteria,
  since: number | undefined,
): readonly Source[] {
  if (empty) return [];
  const updated = changedSince(asked.updated, since);
  if (updated?.from !== undefined && updated.to !== undefined && updated.from >= updated.to) return [];
  const query = {
    patient,
    records: { ...records, ...(updated !== undefined && { updated: timeInterval(updated) }) },
    asked: { ...asked, updated },
  };
  if (type !== "Observation") return [clinicalSource(reader, query, [type])];
  const [clinical, singles] = observationSources(reader, query);
  // Samples do not say when they came: they come whole, so that who asks what is new misses nothing.
  const [, , samples] = observationSources(reader, { ...query, asked });
  return [clinical, singles, samples];
}

function changedSince(
  updated: SearchedDates | undefined,
  since: number | undefined,
): SearchedDates | undefined {
  if (since === undefined) return updated;
  return { ...updated, from: Math.max(since, updated?.from ?? Number.NEGATIVE_INFINITY) };
}

const resourcesAtOnce = 1_000;

async function* allOf(source: Source): AsyncGenerator<Entered> {
  for (let position: string | undefined = ""; position !== undefined; ) {
    const { found, after }: Fetched = await source.fetch(position, resourcesAtOnce);
    yield* found;
    position = await after(found.length);
  }
}

function isSince({ receiveTime }: StoredObservation, since: number | undefined): boolean {
  return since === undefined || receiveTime === undefined || timestampMs(receiveTime) >= since;
}

const dayMs = 86_400_000;

function dayOf({ series }: SourcedSeries): number {
  const start = series?.times?.start;
  return start?.case === "startTime" ? Math.floor(timestampMs(start.value) / dayMs) : 0;
}

export async function* pages<P extends { readonly nextPageToken: string }, T>(
  page: (token: string) => Promise<P>,
  items: (page: P) => readonly T[],
): AsyncGenerator<T> {
  for (let token = ""; ; ) {
    const answer = await page(token);
    yield* items(answer);
    token = answer.nextPageToken;
    if (token === "") return;
  }
}
