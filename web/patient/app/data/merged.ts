import { BucketSize, type MergedStretch, MergeRule } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { type Coding, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { OpenRecord } from "../api/reader.ts";
import { timestampOf } from "../api/time.ts";
import type { Kind } from "./kinds.ts";
import { type SourceLines, sourceKey } from "./lines.ts";
import { lineIn, minuteMs, type Stretch, stretchesIn } from "./merged-line.ts";
import type { Period } from "./period.ts";
import { bucketSizeOf, recordsOf } from "./series.ts";

/** One line of all devices, by the exchange's rule and the patient's order. */
export interface Merged {
  /** Undefined where there is no line. Its `source` is that of the first stretch, and means nothing. */
  readonly line: SourceLines | undefined;
  readonly stretches: readonly Stretch[];
  /** There was more than a page shows. */
  readonly cut: boolean;
}

const mostPages = 12;

/** Whether the period can be shown as one line: samples are merged by the minute, and a longer time has too many of them. */
export function isMergeable({ chart }: Kind, { kind }: Period, sources: readonly SourceLines[]): boolean {
  const several = new Set(sources.map(({ source }) => sourceKey(source))).size > 1;
  return several && kind === "day" && chart !== "stages" && chart !== "list";
}

/** `unit`: all is told in it. */
export async function mergedOf(
  record: OpenRecord,
  asked: { readonly code: Coding; readonly kind: Kind; readonly period: Period; readonly unit: string },
  signal: AbortSignal,
): Promise<Merged> {
  const { code, kind, period, unit } = asked;
  const request = {
    patient: record.patient,
    purpose: Purpose.PATIENT_REQUEST,
    code: { system: code.system, code: code.code },
    interval: { startTime: timestampOf(period.start), endTime: timestampOf(period.end) },
    rule: MergeRule.DEVICE_PRIORITY_BY_MINUTE,
    unit,
    pageSize: 10_000,
  };
  const found: MergedStretch[] = [];
  let pageToken = "";
  for (let page = 0; page < mostPages; page += 1) {
    const answer = await recordsOf(record).mergeSeries({ ...request, pageToken }, { signal });
    found.push(...answer.stretches);
    pageToken = answer.nextPageToken;
    if (pageToken === "") break;
  }
  const sizeMs = bucketSizeOf(kind, period) === BucketSize.MINUTE ? minuteMs : 60 * minuteMs;
  return { line: lineIn(found, period, sizeMs), stretches: stretchesIn(found), cut: pageToken !== "" };
}
