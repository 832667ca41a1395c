import { reachOf } from "@wellapi/series";
import type { Change } from "@wellapi/store";
import type { ObservationItem, SeriesItem } from "./batch.ts";
import type { BlockDocument, ObservationBlockDocument, SeriesDocument } from "./documents.ts";
import { groupBySpan, type ObservationRecord } from "./observation.ts";
import type { PatientBox } from "./patient-box.ts";
import type { Provenance } from "./provenance.ts";

/** Where and by whom accepted items are stored. */
export interface WriteContext {
  readonly partition: string;
  /** Internal id. */
  readonly batch: string;
  readonly sequence: number;
  readonly organization: string;
  readonly application: string;
  /** UTC milliseconds. */
  readonly received: number;
  /** Whether a series is known to be stored; what is known is not made again. */
  readonly isStored: (series: string) => boolean;
}

/** An accepted item with the consent that permits it. */
export interface Accepted<I> {
  readonly item: I;
  readonly index: number;
  readonly consent: { readonly consent: string; readonly version: number };
}

/** What is to be written for accepted items. */
export interface BatchWrites {
  readonly changes: readonly Change[];
  /** The series that the blocks belong to; those that exist already are left out of the commit. */
  readonly series: readonly SeriesDocument[];
  /** MACs of the codes. */
  readonly codes: readonly string[];
  /** Samples or observations. */
  readonly count: number;
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
  const byCode = new Map<string, ObservationRecord[]>();
  for (const { item, index, consent } of accepted) {
    if (item.record === undefined) continue;
    const record = { ...item.record, item: index, provenance: provenanceOf(context, item, consent) };
    const records = byCode.get(item.code);
    if (records === undefined) byCode.set(item.code, [record]);
    else records.push(record);
  }
  const { partition, batch, sequence } = context;
  const changes = [...byCode].flatMap(([code, records]) =>
    groupBySpan(records).map((group): Change => {
      const place = {
        partition,
        batch,
        item: Math.min(...group.map(({ item }) => item)),
        code: box.codeId(code),
        from_ms: group[0]!.time,
        to_ms: group.at(-1)!.time + 1,
        count: group.length,
      };
      const sealed = box.sealObservations(place, group);
      const document: ObservationBlockDocument = { ...place, sequence, hidden: 0, sealed };
      return { kind: "insert", collection: "observation_blocks", document };
    }),
  );
  // Nobody watches observations, so their retraction names no code.
  return { changes, series: [], codes: [], count: accepted.length };
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
