import { createClient } from "@connectrpc/connect";
import {
  type Bucket,
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

/** One bucket, as it is drawn and told. */
export interface Point {
  readonly start: number;
  readonly end: number;
  readonly count: number;
  readonly low: number | undefined;
  readonly mean: number | undefined;
  readonly high: number | undefined;
  readonly sum: number | undefined;
  /** By code of a coded value: milliseconds that it held. */
  readonly held: ReadonlyMap<string, number>;
}

/** What one source has measured in a period: a line for each component, or one. */
export interface SourceLines {
  readonly source: Source;
  readonly unit: string;
  readonly lines: readonly { readonly component: string; readonly points: readonly Point[] }[];
  readonly count: number;
}

/** In buckets that fit the period. The source with the most samples first. */
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

/** What goes on over several pages and components is put together by source and unit. */
export function linesIn(aggregates: readonly SourceAggregate[]): readonly SourceLines[] {
  const bySource = new Map<string, SourceAggregate[]>();
  for (const one of aggregates) {
    const key = sourceKey(one.source);
    bySource.set(key, [...(bySource.get(key) ?? []), one]);
  }
  return [...bySource.values()]
    .map((all) => {
      const unit = all[0]!.unit;
      const same = all.filter((one) => one.unit === unit);
      const components = [...new Set(same.map(({ component }) => component?.code ?? ""))];
      const lines = components.map((component) => ({
        component,
        points: same
          .filter((one) => (one.component?.code ?? "") === component)
          .flatMap(({ buckets }) => buckets)
          .map(pointOf)
          .sort((a, b) => a.start - b.start),
      }));
      return {
        source: all[0]!.source!,
        unit,
        lines,
        count: lines.flatMap(({ points }) => points).reduce((sum, { count }) => sum + count, 0),
      };
    })
    .sort((a, b) => b.count - a.count);
}

export function sourceKey(source: Source | undefined): string {
  if (source === undefined) return "";
  const { organization, application, deviceId, method, granularity } = source;
  return [organization, application, deviceId, method, granularity].join(" ");
}

/** Decimals become numbers here: a chart is no more exact than a screen. */
function pointOf({ startTime, endTime, count, min, max, mean, sum, codeTimes }: Bucket): Point {
  const number = (text: string | undefined) => (text === undefined || text === "" ? undefined : Number(text));
  return {
    start: msOf(startTime),
    end: msOf(endTime),
    count,
    low: number(min),
    mean: number(mean),
    high: number(max),
    sum: number(sum),
    held: new Map(
      codeTimes.map(({ value, duration }) => [
        value?.code ?? "",
        Number(duration?.seconds ?? 0n) * 1_000 + (duration?.nanos ?? 0) / 1_000_000,
      ]),
    ),
  };
}
