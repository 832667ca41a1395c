import { isTimeZone, type ResolvedTime } from "@wellapi/normalize/time-zone";
import type { Terminology } from "@wellapi/terminology";
import { invalidBatch } from "./errors.ts";
import type { ItemJudgement } from "./item.ts";
import { MAX_BATCH_SAMPLES, MAX_BATCH_VIOLATIONS, MAX_ITEM_VIOLATIONS } from "./limits.ts";
import { judgeObservation, type Observation } from "./observation.ts";
import { judgeSeries, type Series, sampleCount } from "./series.ts";
import type { TimeContext } from "./start.ts";
import type { Violation } from "./violation.ts";

export interface Batch<I> {
  /** IANA; empty where all times carry a zone. */
  readonly timeZone: string;
  readonly items: readonly I[];
}

/** The findings that records gets beside the batch as it was sent. */
export interface Findings {
  /** Items that must not be stored, ascending; fields are paths from the batch. */
  readonly rejections: readonly { readonly index: number; readonly violations: readonly Violation[] }[];
  /** First times of the good items whose time was sent as text. */
  readonly resolvedTimes: readonly ({ readonly index: number } & ResolvedTime)[];
}

/**
 * Judges a batch.
 *
 * @param now UTC milliseconds
 * @throws IngestionError `invalid_batch` for a mistake that concerns more than one item
 */
export function judgeSeriesBatch(batch: Batch<Series>, now: number, terminology: Terminology): Findings {
  const samples = batch.items.reduce((sum, series) => sum + sampleCount(series), 0);
  if (samples > MAX_BATCH_SAMPLES) {
    throw invalidBatch("batch.series", "BATCH_TOO_LARGE", "at most 100,000 samples: send several batches");
  }
  return judgeItems(batch, "series", judgeSeries, now, terminology);
}

/** As `judgeSeriesBatch`. */
export function judgeObservationBatch(
  batch: Batch<Observation>,
  now: number,
  terminology: Terminology,
): Findings {
  return judgeItems(batch, "observations", judgeObservation, now, terminology);
}

function judgeItems<I>(
  { timeZone, items }: Batch<I>,
  field: string,
  judge: (item: I, context: TimeContext, terminology: Terminology) => ItemJudgement,
  now: number,
  terminology: Terminology,
): Findings {
  if (timeZone !== "" && !isTimeZone(timeZone)) {
    const description = "not an IANA time zone: use one, for example Europe/Berlin, or send instants";
    throw invalidBatch("batch.time_zone", "TIME_ZONE_UNKNOWN", description);
  }
  const told = Math.min(MAX_ITEM_VIOLATIONS, Math.ceil(MAX_BATCH_VIOLATIONS / items.length));
  const rejections: Findings["rejections"][number][] = [];
  const resolvedTimes: Findings["resolvedTimes"][number][] = [];
  const context: TimeContext = { now, timeZone };
  for (const [index, item] of items.entries()) {
    const { violations, resolved } = judge(item, context, terminology);
    if (violations.length > 0) {
      const path = `${field}[${index}]`;
      rejections.push({ index, violations: violations.slice(0, told).map((one) => within(path, one)) });
    } else if (resolved !== undefined) {
      resolvedTimes.push({ index, ...resolved });
    }
  }
  return { rejections, resolvedTimes };
}

function within(path: string, violation: Violation): Violation {
  return { ...violation, field: violation.field === "" ? path : `${path}.${violation.field}` };
}
