import { pages, type Store } from "@wellapi/store";
import type { ClinicalRecordDocument, ClinicalTermDocument } from "../blocks/clinical-documents.ts";
import type { HeadCache, HeadState } from "../blocks/head-cache.ts";
import { type Interval, intervalBehind } from "../model/interval.ts";
import { mergedStreams } from "../model/merged-streams.ts";
import type { ClinicalOrder } from "./clinical-query.ts";

/** Where a record stands in an order; two records may have the same time. */
export interface RecordPosition {
  readonly time: number;
  readonly record: string;
}

/** What one read of the store found, in its order. */
export interface ScannedPlaces {
  readonly positions: readonly RecordPosition[];
  readonly cursor: string | undefined;
}

/** Bytes: of an entry, and of a position with its id. */
const WEIGHT = { entry: 500, position: 150 };

export function weighPlaces({ positions }: ScannedPlaces): number {
  return WEIGHT.entry + WEIGHT.position * positions.length;
}

/** Documents of one read of the store: each further one is twice as large. */
const FEWEST = 16;
const MOST = 256;

/** Which records are looked for. */
export interface RecordScan {
  readonly head: HeadState;
  readonly order: ClinicalOrder;
  readonly bounds: Interval;
  /** Those behind it alone. */
  readonly position: RecordPosition | undefined;
  /** About how many are needed, so that the first read gets them. */
  readonly need: number;
}

/** Finds the places of records, a read of the store at a time. */
export interface RecordPlaces {
  /** The records of a label. */
  ofLabel(label: string, scan: RecordScan): AsyncGenerator<readonly RecordPosition[]>;
  /** The records that have a term, by their clinical date. */
  ofTerm(term: string, scan: RecordScan): AsyncGenerator<readonly RecordPosition[]>;
}

/** Reads of the store under one revision of the patient's head are not repeated. */
export function createRecordPlaces(
  store: Pick<Store, "scan">,
  known: HeadCache<ScannedPlaces>,
): RecordPlaces {
  async function* scanned<D extends ClinicalRecordDocument | ClinicalTermDocument>(
    what: { readonly collection: string; readonly index?: string; readonly name: string },
    timeOf: (document: D) => number,
    { head, order, bounds, position, need }: RecordScan,
  ): AsyncGenerator<readonly RecordPosition[]> {
    const { collection, index, name } = what;
    const range = intervalBehind(bounds, position?.time, order.descending);
    let limit = Math.min(Math.max(FEWEST, need), MOST);
    const read = (cursor: string | undefined) => {
      const asked = {
        ...(index !== undefined && { index }),
        equals: [head.partition, name],
        range,
        order: order.descending ? ("descending" as const) : ("ascending" as const),
        limit,
        ...(cursor !== undefined && { cursor }),
      };
      limit = Math.min(2 * limit, MOST);
      return known.find(head, JSON.stringify([collection, asked]), async () => {
        const page = await store.scan<D>(collection, asked);
        const positions = page.documents.map(({ document }) => {
          return { time: timeOf(document), record: document.record };
        });
        return { positions, cursor: page.cursor };
      });
    };
    for await (const { positions } of pages(read)) {
      yield position === undefined
        ? positions
        : positions.filter((at) => comparePositions(order, at, position) > 0);
    }
  }

  return {
    ofLabel: (label, scan) =>
      scan.order.by === "time"
        ? scanned<ClinicalRecordDocument>(
            { collection: "clinical_records", index: "by_time", name: label },
            ({ time_ms }) => time_ms,
            scan,
          )
        : scanned<ClinicalRecordDocument>(
            { collection: "clinical_records", index: "by_update", name: label },
            ({ updated_ms }) => updated_ms,
            scan,
          ),
    ofTerm: (term, scan) =>
      scanned<ClinicalTermDocument>(
        { collection: "clinical_terms", name: term },
        ({ time_ms }) => time_ms,
        scan,
      ),
  };
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

/** Several streams in one order, in pieces; what several of them have comes once. */
export async function* merged(
  order: ClinicalOrder,
  streams: readonly AsyncGenerator<readonly RecordPosition[]>[],
): AsyncGenerator<readonly RecordPosition[]> {
  const [only, ...others] = streams;
  // Each record has a label and a date once, so a stream holds none twice.
  if (only !== undefined && others.length === 0) return yield* only;
  let last: RecordPosition | undefined;
  const singly = streams.map(each);
  for await (const at of mergedStreams(singly, (a, b) => comparePositions(order, a, b))) {
    if (last?.record !== at.record || last.time !== at.time) yield [at];
    last = at;
  }
}

async function* each<T>(pieces: AsyncGenerator<readonly T[]>): AsyncGenerator<T> {
  for await (const piece of pieces) yield* piece;
}
