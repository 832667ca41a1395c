import { pages, type Store } from "@wellapi/store";
import type { ClinicalRecordDocument, ClinicalTermDocument } from "../blocks/clinical-documents.ts";
import { type Interval, intervalBehind } from "../model/interval.ts";
import { mergedStreams } from "../model/merged-streams.ts";
import type { ClinicalOrder } from "./clinical-query.ts";

/** Where a record stands in an order; two records may have the same time. */
export interface RecordPosition {
  readonly time: number;
  readonly record: string;
}

const FIRST = 16;
const MOST = 256;

/** The records of a label in an order, behind `position`. */
export async function* recordsOfLabel(
  store: Store,
  place: { readonly partition: string; readonly label: string },
  order: ClinicalOrder,
  bounds: Interval,
  position: RecordPosition | undefined,
): AsyncGenerator<RecordPosition> {
  const index = order.by === "time" ? "by_time" : "by_update";
  const equals = [place.partition, place.label];
  const found = scanned<ClinicalRecordDocument>(
    store,
    { collection: "clinical_records", index, equals },
    order,
    bounds,
    position,
  );
  for await (const { record, time_ms, updated_ms } of found) {
    yield { record, time: order.by === "time" ? time_ms : updated_ms };
  }
}

/** The records that have a term, by their clinical date, behind `position`. */
export async function* recordsOfTerm(
  store: Store,
  place: { readonly partition: string; readonly term: string },
  order: ClinicalOrder,
  bounds: Interval,
  position: RecordPosition | undefined,
): AsyncGenerator<RecordPosition> {
  const scan = { collection: "clinical_terms", equals: [place.partition, place.term] };
  for await (const { record, time_ms } of scanned<ClinicalTermDocument>(
    store,
    scan,
    order,
    bounds,
    position,
  )) {
    yield { record, time: time_ms };
  }
}

async function* scanned<D extends ClinicalRecordDocument | ClinicalTermDocument>(
  store: Store,
  what: { readonly collection: string; readonly index?: string; readonly equals: readonly string[] },
  order: ClinicalOrder,
  bounds: Interval,
  position: RecordPosition | undefined,
): AsyncGenerator<D> {
  const { collection, ...scan } = what;
  const { from, to } = intervalBehind(bounds, position?.time, order.descending);
  let limit = FIRST;
  const read = (cursor: string | undefined) => {
    const page = store.scan<D>(collection, {
      ...scan,
      range: { from, to },
      order: order.descending ? "descending" : "ascending",
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    limit = Math.min(2 * limit, MOST);
    return page;
  };
  for await (const { documents } of pages(read)) {
    for (const { document } of documents) {
      const time =
        what.index === "by_update" ? (document as ClinicalRecordDocument).updated_ms : document.time_ms;
      const at = { time, record: document.record };
      if (position === undefined || comparePositions(order, at, position) > 0) yield document;
    }
  }
}

/** Above 0 where `a` comes behind `b`. */
export function comparePositions(
  { descending }: ClinicalOrder,
  a: RecordPosition,
  b: RecordPosition,
): number {
  const ascending = a.time - b.time || (a.record < b.record ? -1 : a.record > b.record ? 1 : 0);
  return descending ? -ascending : ascending;
}

/** Several streams in one order; what several of them have comes once. */
export async function* merged(
  order: ClinicalOrder,
  streams: readonly AsyncGenerator<RecordPosition>[],
): AsyncGenerator<RecordPosition> {
  let last: RecordPosition | undefined;
  for await (const at of mergedStreams(streams, (a, b) => comparePositions(order, a, b))) {
    if (last?.record !== at.record || last.time !== at.time) yield at;
    last = at;
  }
}
