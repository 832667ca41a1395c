import type { ClinicalRecordDocument } from "../blocks/clinical-documents.ts";
import type { HeadState } from "../blocks/head-cache.ts";
import { loadHead } from "../blocks/head-repository.ts";
import { withBox } from "../blocks/patient-box.ts";
import { ALWAYS, type Interval } from "../model/interval.ts";
import { type ClinicalQuery, fitsQuery } from "./clinical-query.ts";
import { labelsOf } from "./clinical-repository.ts";
import type { CurrentRecord } from "./opened-records.ts";
import type { ReadableKeys } from "./readable-keys.ts";
import { comparePositions, merged, type RecordPosition } from "./record-scan.ts";
import { type ClinicalReadDeps, PAGE_BYTES, type ShownRecord, shown } from "./shown-record.ts";

/** What to look for, and how much of it. */
export interface RecordSearch {
  readonly partition: string;
  readonly readable: ReadableKeys;
  readonly query: ClinicalQuery;
  readonly size: number;
  readonly position: RecordPosition | undefined;
}

export interface FoundRecords {
  readonly records: readonly ShownRecord[];
  readonly next: RecordPosition | undefined;
}

/** Most records that one page looks at. */
const MOST_LOOKED_AT = 2_000;

/** Commits may move records while a page is looked for; after so many of them the page is as it is. */
const MOST_SEARCHES = 3;

/**
 * A page of records that the reader may see. Of types and categories that may not be read, nothing is even looked at.
 *
 * A record that is changed meanwhile stands where it was or where it is: were it gone from the one, and the other place found before, the page
 * would be without it. Then all is looked for once more, under the head that the change has left.
 */
export async function findRecords(
  deps: ClinicalReadDeps,
  search: RecordSearch,
  head: HeadState,
): Promise<FoundRecords> {
  let under = head;
  for (let searches = 1; ; searches++) {
    const { moved, ...found } = await searchUnder(deps, search, under);
    if (!moved || searches === MOST_SEARCHES) return found;
    under = await headOf(deps, search.partition);
  }
}

/** As it is now. */
export async function headOf({ store }: ClinicalReadDeps, partition: string): Promise<HeadState> {
  return { partition, revision: (await loadHead(store, partition))?.revision };
}

async function searchUnder(
  deps: ClinicalReadDeps,
  { readable, query, size, position }: RecordSearch,
  head: HeadState,
): Promise<FoundRecords & { readonly moved: boolean }> {
  const found: ShownRecord[] = [];
  let last = position;
  let [looked, bytes, moved] = [0, 0, false];
  // One more shows whether another page follows.
  const missing = () => size + 1 - found.length;
  const places = candidates(deps, readable, query, position, head, size + 1);
  const load = (some: readonly RecordPosition[]) => recordsAt(deps, readable, query, head, some);
  for await (const pieces of loadedAhead(places, load, missing)) {
    for (const { at, record, standing } of pieces) {
      moved ||= !standing;
      // What may not be read does not count: the page would end sooner for it, or promise another one.
      if (record === undefined) continue;
      if (found.length === size || looked === MOST_LOOKED_AT) return { records: found, next: last, moved };
      looked++;
      const { content, organization } = record;
      if (content !== undefined && fitsQuery(query, content, organization)) {
        if (found.length > 0 && bytes + record.size > PAGE_BYTES)
          return { records: found, next: last, moved };
        found.push(record);
        bytes += record.size;
      }
      last = at;
    }
  }
  return { records: found, next: undefined, moved };
}

/** Each read of the store takes a way to its worker and back: so many are on it at once. */
const READS_AT_ONCE = 32;

interface Placed {
  readonly at: RecordPosition;
  /** Undefined: the reader may not see it, or it does not stand there. */
  readonly record: ShownRecord | undefined;
  readonly standing: boolean;
}

/** What `load` gives for the places, in their order; no more are loaded at once than are `missing` by then. */
async function* loadedAhead(
  places: AsyncGenerator<readonly RecordPosition[]>,
  load: (some: readonly RecordPosition[]) => Promise<readonly Placed[]>,
  missing: () => number,
): AsyncGenerator<readonly Placed[]> {
  let waiting: RecordPosition[] = [];
  const most = () => Math.max(1, Math.min(missing(), READS_AT_ONCE));
  for await (const piece of places) {
    waiting.push(...piece);
    while (waiting.length >= most()) {
      const count = most();
      yield await load(waiting.slice(0, count));
      waiting = waiting.slice(count);
    }
  }
  if (waiting.length > 0) yield await load(waiting);
}

/** The versions that count of the records that were found at these places. */
async function recordsAt(
  { store, opened }: ClinicalReadDeps,
  readable: ReadableKeys,
  { order, updated }: ClinicalQuery,
  head: HeadState,
  places: readonly RecordPosition[],
): Promise<readonly Placed[]> {
  const stands = ({ document }: CurrentRecord, at: RecordPosition) =>
    timeOf(document, order.by) === at.time && document.label !== "";
  const current = await opened.current(places, { head, stands }, async ({ record }) => {
    return (await store.get<ClinicalRecordDocument>("clinical_records", [head.partition, record]))?.document;
  });
  return places.map((at, i) => {
    const one = current[i];
    if (one === undefined || !stands(one, at)) return { at, record: undefined, standing: false };
    const { updated_ms: time } = one.document;
    const asked = updated === undefined || (time >= updated.from && time < updated.to);
    return { at, record: asked ? shown(readable, one.document, one.opened) : undefined, standing: true };
  });
}

/** In the query's order, behind `position`, the records of which some may fit it; about `need` of them are asked for. */
async function* candidates(
  deps: ClinicalReadDeps,
  readable: ReadableKeys,
  query: ClinicalQuery,
  position: RecordPosition | undefined,
  head: HeadState,
  need: number,
): AsyncGenerator<readonly RecordPosition[]> {
  const { store, vault, terminology } = deps;
  const { partition } = head;
  const { order } = query;
  const all = await deps.labels.find(head, "labels", () => labelsOf(store, vault, deps.damage, partition));
  const labels = all.filter(
    ({ type, keys }) =>
      (query.types.size === 0 || query.types.has(type)) &&
      (query.categories.size === 0 ||
        keys.some((key) => terminology.categoriesOf(key).some((one) => query.categories.has(one)))) &&
      readable.mayRead(type, keys),
  );
  if (labels.length === 0) return;
  const names = labels.map(({ label }) => label);
  if (query.records !== undefined) {
    yield await namedRecords(deps, partition, query, new Set(names), position);
    return;
  }
  const bounds = boundsOf(query);
  const terms = await termsAsked(deps, partition, query, names);
  // Each stream has about its part of them.
  const scan = { head, order, bounds, position, need: Math.ceil(need / (terms ?? names).length) };
  const streams =
    terms === undefined
      ? names.map((label) => deps.places.ofLabel(label, scan))
      : terms.map((term) => deps.places.ofTerm(term, scan));
  yield* merged(order, streams);
}

/** Terms that find what is asked for; undefined where nothing that is asked for has one. */
async function termsAsked(
  { vault }: ClinicalReadDeps,
  partition: string,
  { order, codes, identifiers }: ClinicalQuery,
  labels: readonly string[],
): Promise<readonly string[] | undefined> {
  // Terms lie in the order of clinical dates alone.
  if (order.by !== "time" || (codes.length === 0 && identifiers.length === 0)) return undefined;
  const [kind, asked] =
    identifiers.length > 0 ? (["identifier", identifiers] as const) : (["code", codes] as const);
  const values = [...new Set(asked.map(({ value }) => value))];
  return withBox(vault, partition, ({ clinical }) =>
    labels.flatMap((label) => values.map((value) => clinical.termId(kind, label, value))),
  );
}

/** Nothing that begins behind the asked interval overlaps it; what begins before may. */
function boundsOf({ order, interval, updated }: ClinicalQuery): Interval {
  if (order.by === "update") return updated ?? ALWAYS;
  return { from: ALWAYS.from, to: interval?.to ?? ALWAYS.to };
}

async function namedRecords(
  { store }: ClinicalReadDeps,
  partition: string,
  { records, order }: ClinicalQuery,
  labels: ReadonlySet<string>,
  position: RecordPosition | undefined,
): Promise<readonly RecordPosition[]> {
  const stored = await Promise.all(
    [...records!].map((record) => store.get<ClinicalRecordDocument>("clinical_records", [partition, record])),
  );
  const found = stored.flatMap((one) => (one && labels.has(one.document.label) ? [one.document] : []));
  return found
    .map((document) => ({ record: document.record, time: timeOf(document, order.by) }))
    .filter((at) => position === undefined || comparePositions(order, at, position) > 0)
    .sort((a, b) => comparePositions(order, a, b));
}

function timeOf({ time_ms, updated_ms }: ClinicalRecordDocument, by: "time" | "update"): number {
  return by === "time" ? time_ms : updated_ms;
}
