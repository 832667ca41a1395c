import { createClient } from "@connectrpc/connect";
import {
  BucketSize,
  type SeriesInfo,
  type Source,
  type SourceAggregate,
} from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { type Coding, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { OpenRecord } from "../api/reader.ts";
import { msOf, timestampOf } from "../api/time.ts";
import type { Kind } from "./kinds.ts";
import { linesIn, type SourceLines } from "./lines.ts";
import type { Period } from "./period.ts";

const purpose = Purpose.PATIENT_REQUEST;
const mostPages = 10;

/** What there is of one code, over all sources. */
export interface Measured {
  readonly code: Coding;
  readonly sources: readonly Source[];
  readonly units: readonly string[];
  readonly count: number;
  /** UTC milliseconds of the first and the last sample. */
  readonly first: number;
  readonly last: number;
}

export function recordsOf({ connection }: OpenRecord) {
  return createClient(RecordsService, connection.transport);
}

/** Each code of which something was measured, the latest first. */
export async function measuredOf(record: OpenRecord, signal: AbortSignal): Promise<readonly Measured[]> {
  const records = recordsOf(record);
  const { patient } = record;
  const found: SeriesInfo[] = [];
  let pageToken = "";
  for (let page = 0; page < mostPages; page += 1) {
    const answer = await records.listSeries({ patient, purpose, pageSize: 200, pageToken }, { signal });
    found.push(...answer.series);
    pageToken = answer.nextPageToken;
    if (pageToken === "") break;
  }
  return joined(found);
}

/** The series of each code together. */
export function joined(series: readonly SeriesInfo[]): readonly Measured[] {
  const byCode = new Map<string, SeriesInfo[]>();
  for (const one of series) {
    const key = `${one.code?.system} ${one.code?.code}`;
    byCode.set(key, [...(byCode.get(key) ?? []), one]);
  }
  return [...byCode.values()]
    .map((all) => ({
      code: all[0]!.code!,
      sources: all.flatMap(({ source }) => source ?? []),
      units: [...new Set(all.flatMap(({ units }) => units))],
      count: all.reduce((sum, { count = 0 }) => sum + count, 0),
      first: Math.min(...all.map(({ span }) => msOf(span?.startTime))),
      last: Math.max(...all.map(({ span }) => msOf(span?.endTime))),
    }))
    .sort((a, b) => b.last - a.last);
}

/** In buckets that fit the period. What has the most samples first. */
export async function linesOf(
  record: OpenRecord,
  code: Coding,
  kind: Kind,
  period: Period,
  signal: AbortSignal,
): Promise<readonly SourceLines[]> {
  const records = recordsOf(record);
  const asked = {
    patient: record.patient,
    purpose,
    code: { system: code.system, code: code.code },
    interval: { startTime: timestampOf(period.start), endTime: timestampOf(period.end) },
    bucketSize: bucketSizeOf(kind, period),
    digits: Math.max(2, kind.digits),
    pageSize: 2_000,
  };
  const found: SourceAggregate[] = [];
  let pageToken = "";
  for (let page = 0; page < mostPages; page += 1) {
    const answer = await records.aggregateSeries({ ...asked, pageToken }, { signal });
    found.push(...answer.aggregates);
    pageToken = answer.nextPageToken;
    if (pageToken === "") break;
  }
  return linesIn(found);
}

/** So many that a screen shows them, and no more. */
export function bucketSizeOf({ chart }: Kind, { kind }: Period): BucketSize {
  const fine = chart === "line" || chart === "latest" || chart === "pressure";
  switch (kind) {
    case "day":
      return fine && chart !== "latest" ? BucketSize.MINUTE : BucketSize.HOUR;
    case "week":
      return fine ? BucketSize.HOUR : BucketSize.DAY;
    case "month":
      return BucketSize.DAY;
    case "year":
      return fine ? BucketSize.DAY : BucketSize.MONTH;
  }
}
