import type { ObservationPosition } from "../../blocks/observation-scan.ts";
import type { ClinicalQuery } from "../../clinical/clinical-query.ts";
import { type ClinicalPage, findClinicalRecords } from "../../clinical/clinical-read.ts";
import type { RecordPosition } from "../../clinical/record-scan.ts";
import type { ClinicalReadDeps } from "../../clinical/shown-record.ts";
import type { Intent, ReadPart } from "../../gate/intent.ts";
import { type Found, readOnce, readWithin } from "../../gate/reading.ts";
import type { CodesWithin } from "../../gate/token-scope.ts";
import { ALWAYS, type Interval } from "../../model/interval.ts";
import { type DaysPage, type DaysPosition, type DaysQuery, findDays } from "../../read/query-days.ts";
import {
  findObservations,
  type ObservationPage,
  type ObservationsQuery,
  type ReadObservationsDeps,
} from "../../read/read-observations.ts";
import type { ReadSeriesDeps } from "../../read/read-series.ts";

export interface SearchObservationsDeps extends ClinicalReadDeps, ReadObservationsDeps, ReadSeriesDeps {}

/** A page of one source. */
export interface SearchedSource<Query, Position> {
  /** The method that reads it alone, as the log names it. */
  readonly method: string;
  readonly query: Query;
  readonly size: number;
  readonly position: Position | undefined;
}

/** What to search; absent: not that. */
export interface ObservationSearch {
  readonly clinical?: SearchedSource<ClinicalQuery, RecordPosition> | undefined;
  readonly observations?: SearchedSource<ObservationsQuery, ObservationPosition> | undefined;
  readonly series?: SearchedSource<DaysQuery, DaysPosition> | undefined;
  /** What the token's scopes leave of single observations and samples; a clinical record is judged by its own. */
  readonly within: CodesWithin;
}

export interface FoundObservations {
  readonly clinical: ClinicalPage<RecordPosition> | undefined;
  readonly observations: ObservationPage | undefined;
  readonly series: DaysPage | undefined;
  readonly access: string;
}

/**
 * Observations of several sources, read together: one decision holds for all, and one entry tells of each. As when each is read alone, what may not
 * be read is as if it were not there; where one of them is refused, nothing is read.
 */
export function searchObservations(
  deps: SearchObservationsDeps,
  intent: Intent,
  { clinical, observations, series, within }: ObservationSearch,
): Promise<FoundObservations> {
  return readOnce(deps, intent, async (read) => {
    const measured = readWithin(read, within);
    // At once, so that their questions are one to the consent service.
    const [records, singles, days] = await Promise.all([
      clinical && findClinicalRecords(deps, read, clinical.query, clinical.size, clinical.position),
      observations &&
        findObservations(deps, measured, observations.query, observations.size, observations.position),
      series && findDays(deps, measured, series.query, series.size, series.position),
    ]);
    const parts = [
      ...partsOf(clinical, ALWAYS, records),
      ...partsOf(observations, observations?.query.interval, singles),
      ...partsOf(series, series?.query.interval, days),
    ];
    return {
      items: parts.reduce((sum, { items }) => sum + items, 0),
      fineness: "raw",
      codes: [...new Set(parts.flatMap(({ codes }) => codes))],
      permits: parts.flatMap(({ consents }) => consents),
      parts,
      answer: (access) => ({
        clinical: records?.answer(access),
        observations: singles?.answer(access),
        series: days?.answer(access),
        access,
      }),
    };
  });
}

/** What the entry says of a source: the same as the entry of a call that reads it alone. */
function partsOf(
  source: { readonly method: string } | undefined,
  interval: Interval = ALWAYS,
  found: Found<unknown> | undefined,
): ReadPart[] {
  if (source === undefined || found === undefined) return [];
  const { codes = [], items, permits, fineness } = found;
  return [{ method: source.method, codes, interval, items, consents: permits, fineness }];
}
