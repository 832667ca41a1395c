import { reachOf } from "@wellapi/series";
import type { Change } from "@wellapi/store";
import type { BlockDocument, ObservationBlockDocument, SeriesDocument } from "../blocks/documents.ts";
import { isSample } from "../blocks/observation-samples.ts";
import type { PatientBox } from "../blocks/patient-box.ts";
import { groupBySpan, type ObservationRecord } from "../model/observation.ts";
import type { Provenance, SeriesDescriptor } from "../model/provenance.ts";
import type { ObservationItem, SeriesItem } from "./batch.ts";

/** The place and the sender of accepted items. */
export interface WriteContext {
  readonly partition: string;
  /** Internal id. */
  readonly batch: string;
  readonly sequence: number;
  readonly organization: string;
  readonly application: string;
  /** UTC milliseconds. */
  readonly received: number;
  /** Whether a series is known to be stored; a known series is not made again. */
  readonly isStored: (series: string) => boolean;
}

/** An accepted item with the consent that permits it. */
export interface Accepted<I> {
  readonly item: I;
  readonly index: number;
  readonly consent: { readonly consent: string; readonly version: number };
}

/** The documents to write for accepted items. */
export interface BatchWrites {
  readonly changes: readonly Change[];
  /** The series of the blocks; existing ones are left out of the commit. */
  readonly series: readonly SeriesDocument[];
  /** MACs of the codes. */
  readonly codes: readonly string[];
  /** Samples or observations. */
  readonly count: number;
}

/** What the blocks of a batch take. */
export function sealedBytes({ changes }: BatchWrites): number {
  return changes.reduce(
    (sum, change) => sum + (change.kind === "insert" ? (change.document as BlockDocument).sealed.length : 0),
    0,
  );
}

export function seriesWrites(
  box: PatientBox,
  context: WriteContext,
  accepted: readonly Accepted<SeriesItem>[],
): BatchWrites {
  const { partition, batch, sequence, organization } = context;
  const series = new Map<string, SeriesDocument>();
  const codes = new Set<string>();
  let total = 0;
  const changes = accepted.flatMap(({ item, index, consent }): Change[] => {
    const { columns, code, device, method, granularity } = item;
    if (columns === undefined) return [];
    const descriptor = { organization, device, code, method, granularity };
    const seriesPlace = { partition, series: box.seriesId(descriptor), code: box.codeId(code) };
    codes.add(seriesPlace.code);
    if (!series.has(seriesPlace.series) && !context.isStored(seriesPlace.series)) {
      series.set(seriesPlace.series, { ...seriesPlace, sealed: box.sealSeries(seriesPlace, descriptor) });
    }
    const place = {
      ...seriesPlace,
      batch,
      item: index,
      from_ms: columns.times[0]!,
      to_ms: columns.times.at(-1)! + 1,
      until_ms: reachOf(columns),
      count: columns.times.length,
    };
    total += place.count;
    const sealed = box.sealBlock(place, { provenance: provenanceOf(context, item, consent), columns });
    const document: BlockDocument = { ...place, sequence, hidden: 0, sealed };
    return [{ kind: "insert", collection: "blocks", document }];
  });
  return { changes, series: [...series.values()], codes: [...codes], count: total };
}

export function observationWrites(
  box: PatientBox,
  context: WriteContext,
  accepted: readonly Accepted<ObservationItem>[],
): BatchWrites {
  const { partition, batch, sequence } = context;
  const series = new Map<string, SeriesDocument>();
  const groups = groupsOf(box, context, accepted);
  const changes = [...groups.values()].flatMap(({ code, descriptor, id, records }) => {
    const seriesPlace = { partition, series: id, code: box.codeId(code) };
    if (descriptor !== undefined && !context.isStored(id)) {
      series.set(id, { ...seriesPlace, sealed: box.sealSeries(seriesPlace, descriptor) });
    }
    return groupBySpan(records).map((group): Change => {
      const place = {
        ...seriesPlace,
        batch,
        item: Math.min(...group.map(({ item }) => item)),
        from_ms: group[0]!.time,
        to_ms: group.at(-1)!.time + 1,
        until_ms: Math.max(...group.map(({ time, durationMs }) => time + Math.max(1, durationMs))),
        count: group.length,
      };
      const sealed = box.sealObservations(place, group);
      const document: ObservationBlockDocument = { ...place, sequence, hidden: 0, sealed };
      return { kind: "insert", collection: "observation_blocks", document };
    });
  });
  // Observations are never compacted, so a retraction finds them by their batch.
  return { changes, series: [...series.values()], codes: [], count: accepted.length };
}

/** Records of one code, and of one series or none. */
interface ObservationGroup {
  readonly code: string;
  readonly id: string;
  /** Undefined if their values are not numbers. */
  readonly descriptor: SeriesDescriptor | undefined;
  readonly records: ObservationRecord[];
}

function groupsOf(
  box: PatientBox,
  context: WriteContext,
  accepted: readonly Accepted<ObservationItem>[],
): Map<string, ObservationGroup> {
  const groups = new Map<string, ObservationGroup>();
  for (const { item, index, consent } of accepted) {
    if (item.record === undefined) continue;
    const { code, device, method, granularity } = item;
    const isOfSeries = isSample(item.record);
    const key = isOfSeries ? `${method} ${granularity} ${code} ${device}` : code;
    let group = groups.get(key);
    if (group === undefined) {
      const { organization } = context;
      const descriptor = isOfSeries ? { organization, device, code, method, granularity } : undefined;
      const id = descriptor === undefined ? "" : box.observationSeriesId(descriptor);
      group = { code, id, descriptor, records: [] };
      groups.set(key, group);
    }
    group.records.push({ ...item.record, item: index, provenance: provenanceOf(context, item, consent) });
  }
  return groups;
}

function provenanceOf(
  context: WriteContext,
  item: SeriesItem | ObservationItem,
  consent: Accepted<unknown>["consent"],
): Provenance {
  const { organization, application, received } = context;
  const { device, model, method, granularity } = item;
  return { organization, application, device, model, method, granularity, received, ...consent };
}
