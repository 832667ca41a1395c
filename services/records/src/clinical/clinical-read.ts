import type { ClinicalRecordDocument, ClinicalVersionDocument } from "../blocks/clinical-documents.ts";
import { loadHead } from "../blocks/head-repository.ts";
import { withBox } from "../blocks/patient-box.ts";
import { RecordsError } from "../errors.ts";
import type { Intent } from "../gate/intent.ts";
import { type Found, type Read, readOnce } from "../gate/reading.ts";
import { ALWAYS, type Interval } from "../model/interval.ts";
import { type ClinicalQuery, fitsQuery } from "./clinical-query.ts";
import { labelsOf } from "./clinical-repository.ts";
import type { CurrentRecord } from "./opened-records.ts";
import { type ReadableKeys, readableKeys } from "./readable-keys.ts";
import {
  comparePositions,
  merged,
  type RecordPosition,
  recordsOfLabel,
  recordsOfTerm,
} from "./record-scan.ts";
import { type ClinicalReadDeps, type ShownRecord, shown, showVersion } from "./shown-record.ts";

export interface ClinicalPage<Position> {
  readonly records: readonly ShownRecord[];
  readonly next: Position | undefined;
  readonly access: string;
}

/** Most records that one page looks at; and about how much JSON it holds. */
const MOST_LOOKED_AT = 2_000;
const PAGE_BYTES = 900_000;

/** Lists records in pages. */
export function listClinicalRecords(
  deps: ClinicalReadDeps,
  intent: Intent,
  query: ClinicalQuery,
  size: number,
  position: RecordPosition | undefined,
): Promise<ClinicalPage<RecordPosition>> {
  return readOnce(deps, intent, (read) => findClinicalRecords(deps, read, query, size, position));
}

/** As `listClinicalRecords`, for a read that has begun. Of types and categories that the reader may not read, nothing is even looked at. */
export async function findClinicalRecords(
  deps: ClinicalReadDeps,
  read: Read,
  query: ClinicalQuery,
  size: number,
  position: RecordPosition | undefined,
): Promise<Found<ClinicalPage<RecordPosition>>> {
  const { partition } = read.subject;
  const [readable, head] = await Promise.all([
    readableKeys(deps.terminology, read, "s"),
    loadHead(deps.store, partition),
  ]);
  const stood = { partition, state: head?.revision };
  const found: ShownRecord[] = [];
  let next: RecordPosition | undefined;
  let last = position;
  let [looked, bytes] = [0, 0];
  const places = candidates(deps, partition, readable, query, position, size + 1);
  // One more shows whether another page follows.
  const missing = () => size + 1 - found.length;
  const records = loadedAhead(places, (at) => recordAt(deps, readable, stood, query, at), missing);
  for await (const [at, record] of records) {
    // What may not be read does not count: the page would end sooner for it, or promise another one.
    if (record === undefined) continue;
    if (found.length === size || looked === MOST_LOOKED_AT) {
      next = last;
      break;
    }
    looked++;
    if (record.resource !== undefined && fitsQuery(query, record.resource, record.organization)) {
      if (found.length > 0 && bytes + record.size > PAGE_BYTES) {
        next = last;
        break;
      }
      found.push(record);
      bytes += record.size;
    }
    last = at;
  }
  const answered = foundOf(readable, found, (access: string) => ({ records: found, next, access }));
  // Consents that are named where something was found would tell that something was.
  return read.intent.deIdentified ? { ...answered, permits: readable.allPermits() } : answered;
}

/** Each read of the store takes a way to its worker and back: so many are on it at once. */
const READS_AT_ONCE = 32;

/** What `load` gives for each place, in their order; no more are loaded at once than are `missing` by then. */
async function* loadedAhead<T>(
  places: AsyncGenerator<RecordPosition>,
  load: (at: RecordPosition) => Promise<T>,
  missing: () => number,
): AsyncGenerator<readonly [RecordPosition, T]> {
  const waiting: { readonly at: RecordPosition; readonly loaded: Promise<T> }[] = [];
  for await (const at of places) {
    const loaded = load(at);
    // The page may be full before this one is looked at: then nobody asks what became of it.
    loaded.catch(() => {});
    waiting.push({ at, loaded });
    while (waiting.length >= Math.min(missing(), READS_AT_ONCE)) {
      const first = waiting.shift();
      if (first === undefined) break;
      yield [first.at, await first.loaded];
    }
  }
  for (const { at, loaded } of waiting) yield [at, await loaded];
}

/** The version that counts of a record, if the reader may see it and it stands where it was found. */
async function recordAt(
  { store, opened }: ClinicalReadDeps,
  readable: ReadableKeys,
  { partition, state }: { readonly partition: string; readonly state: number | undefined },
  { order, updated }: ClinicalQuery,
  { record, time: found }: RecordPosition,
): Promise<ShownRecord | undefined> {
  const stands = ({ document }: CurrentRecord) =>
    timeOf(document, order.by) === found && document.label !== "";
  const current = await opened.current({ partition, record }, { state, stands }, async () => {
    return (await store.get<ClinicalRecordDocument>("clinical_records", [partition, record]))?.document;
  });
  // It was changed meanwhile: it comes where it stands now, or has come already.
  if (current === undefined || !stands(current)) return undefined;
  const { document } = current;
  const { updated_ms: time } = document;
  if (updated !== undefined && (time < updated.from || time >= updated.to)) return undefined;
  return shown(readable, document, current.opened);
}

/** In the query's order, behind `position`, the records of which some may fit it; about `need` of them are asked for. */
async function* candidates(
  deps: ClinicalReadDeps,
  partition: string,
  readable: ReadableKeys,
  query: ClinicalQuery,
  position: RecordPosition | undefined,
  need: number,
): AsyncGenerator<RecordPosition> {
  const { store, vault, terminology } = deps;
  const { order } = query;
  const all = await labelsOf(store, vault, deps.damage, partition);
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
    yield* namedRecords(deps, partition, query, new Set(names), position);
    return;
  }
  const bounds = boundsOf(query);
  const terms = await termsAsked(deps, partition, query, names);
  // Each stream has about its part of them.
  const scan = { order, bounds, position, need: Math.ceil(need / (terms ?? names).length) };
  const streams =
    terms === undefined
      ? names.map((label) => recordsOfLabel(store, { partition, label }, scan))
      : terms.map((term) => recordsOfTerm(store, { partition, term }, scan));
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

async function* namedRecords(
  { store }: ClinicalReadDeps,
  partition: string,
  { records, order }: ClinicalQuery,
  labels: ReadonlySet<string>,
  position: RecordPosition | undefined,
): AsyncGenerator<RecordPosition> {
  const stored = await Promise.all(
    [...records!].map((record) => store.get<ClinicalRecordDocument>("clinical_records", [partition, record])),
  );
  const found = stored.flatMap((one) => (one && labels.has(one.document.label) ? [one.document] : []));
  const positions = found.map((document) => ({ record: document.record, time: timeOf(document, order.by) }));
  positions.sort((a, b) => comparePositions(order, a, b));
  for (const one of positions) if (!position || comparePositions(order, one, position) > 0) yield one;
}

function timeOf({ time_ms, updated_ms }: ClinicalRecordDocument, by: "time" | "update"): number {
  return by === "time" ? time_ms : updated_ms;
}

function foundOf<T>(
  readable: ReadableKeys,
  records: readonly ShownRecord[],
  answer: (access: string) => T,
): Found<T> {
  const keys = [...new Set(records.flatMap((record) => record.keys))].sort();
  const permits = readable.permitsOf(keys);
  return { items: records.length, fineness: "raw", codes: keys, permits, answer };
}

/** One record, or one version of it. What the reader may not see is not found. */
export function getClinicalRecord(
  deps: ClinicalReadDeps,
  intent: Intent,
  asked: { readonly record: string | undefined; readonly version: number },
): Promise<{ readonly record: ShownRecord; readonly access: string }> {
  return readOnce(deps, intent, async (read) => {
    const readable = await readableKeys(deps.terminology, read, "r");
    const current = await currentOf(deps, read, readable, asked.record);
    const record = await versionOf(deps, readable, current, asked.version);
    return foundOf(readable, [record], (access) => ({ record, access }));
  });
}

/** The version that counts, as it is stored and as it is shown. Throws NOT_FOUND, RECORD_DELETED. */
interface Current {
  readonly document: ClinicalRecordDocument;
  readonly record: ShownRecord | undefined;
  /** Whether the reader may see the history of what was deleted: the patient and its contributor. */
  readonly seesDeleted: boolean;
}

async function currentOf(
  deps: ClinicalReadDeps,
  { subject, intent }: Read,
  readable: ReadableKeys,
  id: string | undefined,
): Promise<Current> {
  const stored =
    id === undefined
      ? undefined
      : await deps.store.get<ClinicalRecordDocument>("clinical_records", [subject.partition, id]);
  if (stored === undefined) throw new RecordsError("NOT_FOUND");
  const record = await showVersion(deps, readable, "clinical_records", stored.document);
  const seesDeleted = subject.own || intent.caller.principal.organization === record?.organization;
  return { document: stored.document, record, seesDeleted };
}

/** Throws NOT_FOUND, RECORD_DELETED. */
async function versionOf(
  deps: ClinicalReadDeps,
  readable: ReadableKeys,
  { document, record, seesDeleted }: Current,
  version: number,
): Promise<ShownRecord> {
  if (record !== undefined && record.resource === undefined && !(seesDeleted && version > 0)) {
    throw new RecordsError("RECORD_DELETED");
  }
  if (version === 0 || version === document.version) {
    if (record === undefined) throw new RecordsError("NOT_FOUND", { logged: "CONSENT_CATEGORY" });
    return record;
  }
  const key = [document.partition, document.record, version];
  const stored = await deps.store.get<ClinicalVersionDocument>("clinical_versions", key);
  const before = stored && (await showVersion(deps, readable, "clinical_versions", stored.document));
  if (before === undefined) throw new RecordsError("NOT_FOUND");
  return before;
}

/** The versions of a record, the newest first, before the version `position`. */
export function listClinicalVersions(
  deps: ClinicalReadDeps,
  intent: Intent,
  id: string | undefined,
  size: number,
  position: number | undefined,
): Promise<ClinicalPage<number>> {
  return readOnce(deps, intent, async (read) => {
    const readable = await readableKeys(deps.terminology, read, "r");
    const { document, record, seesDeleted } = await currentOf(deps, read, readable, id);
    if (record !== undefined && record.resource === undefined && !seesDeleted) {
      throw new RecordsError("RECORD_DELETED");
    }
    const found: ShownRecord[] = [];
    let next: number | undefined;
    let bytes = 0;
    for await (const version of versionsOf(
      deps,
      readable,
      document,
      record,
      position ?? document.version + 1,
    )) {
      if (found.length === size || (found.length > 0 && bytes + version.size > PAGE_BYTES)) {
        next = found.at(-1)!.version;
        break;
      }
      found.push(version);
      bytes += version.size;
    }
    // A reader who may see no version of it is told what one without the record is.
    if (found.length === 0 && position === undefined) throw new RecordsError("NOT_FOUND");
    return foundOf(readable, found, (access) => ({ records: found, next, access }));
  });
}

const VERSIONS_A_STEP = 32;

async function* versionsOf(
  deps: ClinicalReadDeps,
  readable: ReadableKeys,
  { partition, record: id, version: newest }: ClinicalRecordDocument,
  current: ShownRecord | undefined,
  before: number,
): AsyncGenerator<ShownRecord> {
  if (current !== undefined && newest < before) yield current;
  for (let to = Math.min(before, newest); ; ) {
    const { documents } = await deps.store.scan<ClinicalVersionDocument>("clinical_versions", {
      equals: [partition, id],
      range: { from: 1, to },
      order: "descending",
      limit: VERSIONS_A_STEP,
    });
    for (const { document } of documents) {
      const version = await showVersion(deps, readable, "clinical_versions", document);
      if (version !== undefined) yield version;
    }
    if (documents.length < VERSIONS_A_STEP) return;
    to = documents.at(-1)!.document.version;
  }
}
