import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  BucketSize,
  CodeTimeSchema,
  type SeriesInfoSchema,
  type SourceAggregateSchema,
  type SourcedSeriesSchema,
} from "@wellapi/gen/wellapi/records/v1/records_pb";
import type {
  ReadSeriesResponseSchema,
  WatchSeriesResponseSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { partyOf } from "@wellapi/rpc";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise, Vault } from "@wellapi/vault";
import type { StoredObservation } from "../blocks/observation-scan.ts";
import { withBox } from "../blocks/patient-box.ts";
import type { Run } from "../blocks/winners.ts";
import { invalidField } from "../errors.ts";
import { intervalInit } from "../gate/access-convert.ts";
import type { Intent } from "../gate/intent.ts";
import type { Fineness } from "../gate/permit.ts";
import { subjectOf } from "../gate/subject.ts";
import type { BucketUnit } from "../model/calendar.ts";
import type { Interval } from "../model/interval.ts";
import { observationIds } from "../model/observation-id.ts";
import { type Source, sourceKey } from "../model/provenance.ts";
import type { SourcedAggregate } from "../read/aggregates/aggregate-page.ts";
import type { BucketNumbers } from "../read/aggregates/aggregation.ts";
import type { CodedBucket } from "../read/aggregates/coded-aggregation.ts";
import { decimalText } from "../read/decimal-text.ts";
import type { SeriesInfo } from "../read/list-series.ts";
import type { ReadPayload } from "../read/read-series.ts";
import type { WatchPayload } from "../read/watch-series.ts";
import { storedObservationInit } from "./observation-convert.ts";
import { codeInit, seriesMessage } from "./series-convert.ts";
import {
  permittingConsent,
  type SourceInit,
  sourceInit,
  type ToldSource,
  toldInterval,
} from "./source-convert.ts";

type ReadPayloadInit = NonNullable<MessageInitShape<typeof ReadSeriesResponseSchema>["payload"]>;
type WatchPayloadInit = NonNullable<MessageInitShape<typeof WatchSeriesResponseSchema>["payload"]>;

/** Makes messages of read data, with the ids that the reader knows. */
export interface Presenter {
  read(intent: Intent, code: string, payload: ReadPayload): Promise<ReadPayloadInit>;
  watch(intent: Intent, payload: WatchPayload): Promise<WatchPayloadInit>;
  run(intent: Intent, code: string, run: Run): Promise<MessageInitShape<typeof SourcedSeriesSchema>>;
  /**
   * The source of data of a code within `span`, what of it is disputed, and the consents that let it through as fine as `finest`.
   */
  source(
    intent: Intent,
    source: Source,
    told: { readonly code: string; readonly span: Interval; readonly finest: Fineness },
  ): Promise<SourceInit>;
  seriesInfo(info: SeriesInfo, source: SourceInit): MessageInitShape<typeof SeriesInfoSchema>;
  observations(
    intent: Intent,
    stored: readonly StoredObservation[],
  ): Promise<ReturnType<typeof storedObservationInit>[]>;
}

export function presenterFor(deps: {
  readonly terminology: Terminology;
  readonly vault: Vault;
  readonly pairwise: Pairwise;
  readonly region: string;
}): Presenter {
  const { vault, pairwise, region, terminology } = deps;

  function toldSource({ caller, patient }: Intent, source: Source): Promise<ToldSource> {
    const { partition } = subjectOf(pairwise, region, caller, patient);
    return sourceInit(deps, partition, partyOf(caller), source);
  }

  const source: Presenter["source"] = async (intent, one, told) =>
    noted(intent, await toldSource(intent, one), told);

  /** The reader's own name of a commit's batch; the names that other readers get cannot be linked to it. */
  async function batchToken({ caller, patient }: Intent, sequence: number): Promise<string> {
    const { partition } = subjectOf(pairwise, region, caller, patient);
    const id = await withBox(vault, partition, (box) => box.commitId(sequence));
    return pairwise.outward(partyOf(caller), id);
  }

  async function run(intent: Intent, code: string, { columns, source: from }: Run) {
    return {
      series: seriesMessage(terminology, code, columns, from),
      source: await source(intent, from, { code, span: spanOfTimes(columns.times), finest: "raw" }),
    };
  }

  return {
    source,
    run,
    seriesInfo: (info, source) => seriesInfoInit(terminology, info, source),
    async read(intent, code, payload) {
      switch (payload.kind) {
        case "start": {
          const { access, consents, intervals } = payload;
          const value = { access, consents: [...consents], intervals: intervals.map(toldInterval) };
          return { case: "start", value };
        }
        case "run":
          return { case: "series", value: await run(intent, code, payload.run) };
        case "end":
          return { case: "end", value: { samples: payload.samples } };
      }
    },
    async watch(intent, payload) {
      switch (payload.kind) {
        case "start":
          return { case: "start", value: { access: payload.access } };
        case "run": {
          const [series, batch] = await Promise.all([
            run(intent, payload.code, payload.run),
            batchToken(intent, payload.run.sequence),
          ]);
          return { case: "series", value: { ...series, batch } };
        }
        case "retraction": {
          const { sequence, codes, interval } = payload.retraction;
          const batch = await batchToken(intent, sequence);
          return {
            case: "retraction",
            value: {
              batch,
              codes: codes.map((code) => codeInit(terminology, code)),
              interval: intervalInit(interval),
            },
          };
        }
      }
    },
    observations(intent, stored) {
      const idOf = observationIds(pairwise, partyOf(intent.caller));
      // The samples of a page are mostly of one source.
      const sources = new Map<string, Promise<ToldSource>>();
      return Promise.all(
        stored.map(async ({ batch, record }) => {
          const key = sourceKey(record.provenance);
          const told = sources.get(key) ?? toldSource(intent, record.provenance);
          sources.set(key, told);
          const { code, time } = record;
          const span = { from: time, to: time + 1 };
          const from = noted(intent, await told, { code: code.code, span, finest: "raw" });
          const id = idOf({ batch, item: record.item });
          const own = record.provenance.organization === intent.caller.principal.organization;
          return storedObservationInit(terminology, id, record, from, own);
        }),
      );
    },
  };
}

/** The source, with the times within `span` of which the patient disputes data of it, and the consents that let it through. */
function noted(
  { disputes, consents }: Intent,
  { told, device }: ToldSource,
  { code, span, finest }: Parameters<Presenter["source"]>[2],
): SourceInit {
  const contributor = {
    organization: told.organization ?? "",
    device: device ?? "",
    method: told.method ?? 0,
  };
  const letting = consents?.of(code, contributor, span, finest) ?? [];
  const disputed = disputes?.has(code) ? disputes.of(code, contributor, span) : [];
  if (letting.length + disputed.length === 0) return told;
  return {
    ...told,
    ...(disputed.length > 0 && { disputed: disputed.map(toldInterval) }),
    ...(letting.length > 0 && { consents: letting.map(permittingConsent) }),
  };
}

/** When samples begin; `times`: ascending. */
export function spanOfTimes(times: ArrayLike<number>): Interval {
  return times.length === 0 ? { from: 0, to: 0 } : { from: times[0]!, to: times[times.length - 1]! + 1 };
}

const bucketUnits: ReadonlyMap<BucketSize, BucketUnit> = new Map([
  [BucketSize.MINUTE, "minute"],
  [BucketSize.HOUR, "hour"],
  [BucketSize.DAY, "day"],
  [BucketSize.WEEK, "week"],
  [BucketSize.MONTH, "month"],
]);

export function bucketUnitOf(size: BucketSize): BucketUnit {
  const unit = bucketUnits.get(size);
  if (unit === undefined) throw invalidField("bucket_size", "is not a length of a bucket");
  return unit;
}

export function aggregateInit(
  { component, unit, buckets }: SourcedAggregate,
  source: SourceInit,
): MessageInitShape<typeof SourceAggregateSchema> {
  // A bucket mostly begins where the previous one ends.
  let last = { ms: Number.NaN, timestamp: timestampFromMs(0) };
  const at = (ms: number) => {
    if (ms !== last.ms) last = { ms, timestamp: timestampFromMs(ms) };
    return last.timestamp;
  };
  return {
    source,
    ...(component === null ? {} : { component: { ...component } }),
    unit,
    // Whole messages, hundreds for a year: `create` would only copy them.
    buckets: buckets.map(({ from, to, content, partial }) => ({
      $typeName: "wellapi.records.v1.Bucket",
      startTime: at(from),
      endTime: at(to),
      count: content.count,
      ...("times" in content ? codedInit(content) : numbersInit(content)),
      partial,
    })),
  };
}

function numbersInit({ min, max, mean, sum }: BucketNumbers) {
  return {
    ...(min === undefined ? {} : { min: decimalText(min) }),
    ...(max === undefined ? {} : { max: decimalText(max) }),
    mean: decimalText(mean),
    sum: decimalText(sum),
    codeTimes: [],
  };
}

function codedInit({ times }: CodedBucket) {
  const codeTimes = times.map(({ value, durationMs, count }) =>
    create(CodeTimeSchema, { value: { ...value }, duration: durationFromMs(durationMs), count }),
  );
  return { mean: "", sum: "", codeTimes };
}

function seriesInfoInit(
  terminology: Terminology,
  { code, units, span, count }: SeriesInfo,
  source: SourceInit,
): MessageInitShape<typeof SeriesInfoSchema> {
  const interval = { startTime: timestampFromMs(span.from), endTime: timestampFromMs(span.to) };
  return {
    code: codeInit(terminology, code),
    source,
    units: [...units],
    span: interval,
    ...(count === undefined ? {} : { count }),
  };
}
