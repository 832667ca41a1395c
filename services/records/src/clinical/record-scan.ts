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

/** Documents of one read of the store: each further one is twice as large. */
const FEWEST = 16;
const MOST = 256;

/** Which records are looked for. */
export interface RecordScan {
  readonly order: ClinicalOrder;
  readonly bounds: Interval;
  /** Those behind it alone. */
  readonly position: RecordPosition | undefined;
  /** About how many are needed, so that the first read gets them. */
  readonly need: number;
}

/** The records of a label. */
export async function* recordsOfLabel(
  store: Store,
  place: { readonly partition: string; readonly label: string },
  scan: RecordScan,
): AsyncGenerator<RecordPosition> {
  const { order } = scan;
  const index = order.by === "time" ? "by_time" : "by_update";
  const equals = [place.partition, place.label];
  const found = scanned<ClinicalRecordDocument>(
    store,
    { collection: "clinical_records", index, equals },
    scan,
  );
  for await (const { record, time_ms, updated_ms } of found) {
    yield { record, time: order.by === "time" ? time_ms : updated_ms };
  }
}

/** The records that have a term, by their clinical date. */
export async function* recordsOfTerm(
  store: Store,
  place: { readonly partition: string; readonly term: string },
  scan: RecordScan,
): AsyncGenerator<RecordPosition> {
  const terms = { collection: "clinical_terms", equals: [place.partition, place.term] };
  for await (const { record, time_ms } of scanned<ClinicalTermDocument>(store, terms, scan)) {
    yield { record, time: time_ms };
  }
}

async function* scanned<D extends ClinicalRecordDocument | ClinicalTermDocument>(
  store: Store,
  what: { readonly collection: string; readonly index?: string; readonly equals: readonly string[] },
  { order, bounds, position, need }: RecordScan,
): AsyncGenerator<D> {
  const { collection, ...place } = what;
  const { from, to } = intervalBehind(bounds, position?.time, order.descending);
  let limit = Math.min(Math.max(FEWEST, need), MOST);
  const read = (cursor: string | undefined) => {
    const page = store.scan<D>(collection, {
      ...place,
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
