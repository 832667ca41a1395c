import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  ItemOutcome_Status,
  type ObservationBatch,
  type SeriesBatch,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import type {
  AppendObservationsRequest,
  AppendSeriesRequest,
} from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import type { Observation } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import type { Series } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { Granularity, type TimeInterval } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { checkColumns, reachOf, SeriesError } from "@wellapi/series";
import type { Pairwise } from "@wellapi/vault";
import { MAX_BLOCK_REACH_MS, MAX_BLOCK_SPAN_MS } from "../blocks/block-limits.ts";
import { ALWAYS, type Interval } from "../model/interval.ts";
import { observationIds } from "../model/observation-id.ts";
import type { Batch, BatchOutcome, ObservationItem, SeriesItem } from "../write/batch.ts";
import type { ItemViolation, Judgement } from "../write/judgement.ts";
import { observationsDigest, seriesDigest } from "./digest-convert.ts";
import { observationContent } from "./observation-convert.ts";
import { columnsOf, type ResolvedStart, sampleCount } from "./series-convert.ts";

/** An absent end is open. */
export function intervalOf(interval: TimeInterval | undefined): Interval {
  return {
    from: interval?.startTime === undefined ? ALWAYS.from : ceilMs(interval.startTime),
    to: interval?.endTime === undefined ? ALWAYS.to : ceilMs(interval.endTime),
  };
}

/** The first whole millisecond at or after the time: samples lie on whole milliseconds. */
function ceilMs({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1_000 + Math.ceil(nanos / 1e6);
}

/** Bytes of a sample in each column, and of an observation. */
const SAMPLE_BYTES = 16;
const OBSERVATION_BYTES = 512;

export function seriesBatch(request: AppendSeriesRequest): Batch {
  const batch = request.batch as SeriesBatch;
  return {
    kind: "series",
    requestId: batch.requestId,
    patient: batch.patient,
    digest: seriesDigest(batch),
    vendorAccount: request.vendorAccount,
    size: batch.series.reduce((samples, series) => samples + sampleCount(series), 0) * SAMPLE_BYTES,
    items: batch.series.map((series, index) =>
      seriesItem(series, index, rejectionsOf(request, index), resolvedStart(request, index)),
    ),
  };
}

export function observationBatch(request: AppendObservationsRequest): Batch {
  const batch = request.batch as ObservationBatch;
  const { digest, bytes } = observationsDigest(batch);
  return {
    kind: "observations",
    requestId: batch.requestId,
    patient: batch.patient,
    digest,
    vendorAccount: request.vendorAccount,
    size: Math.max(batch.observations.length * OBSERVATION_BYTES, 2 * bytes),
    items: batch.observations.map((observation, index) =>
      observationItem(observation, index, rejectionsOf(request, index), resolvedStart(request, index)),
    ),
  };
}

type Findings = Pick<AppendSeriesRequest, "rejections" | "resolvedTimes">;

const none: readonly ItemViolation[] = [];

function rejectionsOf({ rejections }: Findings, index: number): readonly ItemViolation[] {
  // The usual case, checked for each of up to a thousand items.
  if (rejections.length === 0) return none;
  return rejections
    .filter((rejection) => rejection.index === index)
    .flatMap(({ violations }) => violations)
    .map(({ field, description, reason }) => ({ field, description, reason }));
}

function resolvedStart({ resolvedTimes }: Findings, index: number): ResolvedStart | undefined {
  if (resolvedTimes.length === 0) return undefined;
  const resolved = resolvedTimes.find((candidate) => candidate.index === index);
  return resolved && { timeMs: Number(resolved.timeMs), offsetMinutes: resolved.utcOffsetMinutes };
}

function seriesItem(
  series: Series,
  index: number,
  violations: readonly ItemViolation[],
  resolved: ResolvedStart | undefined,
): SeriesItem {
  const field = `series[${index}]`;
  const item = {
    code: series.code?.code ?? "",
    field,
    device: series.device?.identifier ?? "",
    model: series.device?.model ?? "",
    method: series.method,
    granularity: series.granularity || Granularity.INSTANT,
  };
  if (violations.length > 0) return { ...item, violations, times: [], columns: undefined };
  const columns = columnsOf(series, resolved);
  const broken = brokenRule(() => {
    checkColumns(columns);
    const span = (columns.times.at(-1) ?? Number.NaN) - columns.times[0]!;
    if (!(span < MAX_BLOCK_SPAN_MS)) {
      throw new SeriesError("out_of_range", "times", "must hold a sample and span at most 31 days");
    }
    if (reachOf(columns) - columns.times[0]! > MAX_BLOCK_REACH_MS) {
      throw new SeriesError("out_of_range", "times", "must reach over at most 32 days: send it as two items");
    }
  }, field);
  if (broken !== undefined) return { ...item, violations: [broken], times: [], columns: undefined };
  return { ...item, violations: [], times: columns.times, columns };
}

function observationItem(
  observation: Observation,
  index: number,
  violations: readonly ItemViolation[],
  resolved: ResolvedStart | undefined,
): ObservationItem {
  const item = {
    code: observation.code?.code ?? "",
    field: `observations[${index}]`,
    device: observation.device?.identifier ?? "",
    model: observation.device?.model ?? "",
    method: observation.method,
    granularity:
      observation.granularity || (observation.durationMs > 0n ? Granularity.EPISODE : Granularity.INSTANT),
    violations,
  };
  if (violations.length > 0) return { ...item, times: [], record: undefined };
  const record = observationContent(observation, resolved);
  return { ...item, times: [record.time], record };
}

/** The violations of the blocks' own rules; ingestion should have found them before. */
function brokenRule(check: () => void, field: string): ItemViolation | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!(error instanceof SeriesError)) throw error;
    return { field: `${field}.${error.field}`, description: error.message, reason: "INVALID_FIELD" };
  }
}

const statuses: Readonly<Record<Judgement["status"], ItemOutcome_Status>> = {
  accepted: ItemOutcome_Status.ACCEPTED,
  duplicate: ItemOutcome_Status.DUPLICATE,
  rejected: ItemOutcome_Status.REJECTED,
  retracted: ItemOutcome_Status.RETRACTED,
};

/** The receipt as the contributing organization receives it. */
export function receiptInit(
  pairwise: Pairwise,
  party: string,
  kind: Batch["kind"],
  { requestId, batch, judgements }: BatchOutcome,
) {
  const idOf = observationIds(pairwise, party);
  return {
    requestId,
    batch: batch === undefined ? "" : pairwise.outward(party, batch),
    items: judgements.map((judgement, item) => {
      const status = statuses[judgement.status];
      switch (judgement.status) {
        case "rejected":
          return { status, violations: judgement.violations.map((violation) => ({ ...violation })) };
        case "retracted":
          return { status };
        default:
          return kind === "observations" && batch !== undefined
            ? { status, observation: idOf({ batch, item }) }
            : { status };
      }
    }),
  };
}
