import type { ClinicalRecordDocument, ClinicalVersionDocument } from "../blocks/clinical-documents.ts";
import { RecordsError } from "../errors.ts";
import type { Intent } from "../gate/intent.ts";
import { type Found, type Read, readOnce } from "../gate/reading.ts";
import type { ClinicalQuery } from "./clinical-query.ts";
import { type ReadableKeys, readableKeys } from "./readable-keys.ts";
import type { RecordPosition } from "./record-scan.ts";
import { findRecords, headOf } from "./record-search.ts";
import { type ClinicalReadDeps, PAGE_BYTES, type ShownRecord, showVersion } from "./shown-record.ts";

export interface ClinicalPage<Position> {
  readonly records: readonly ShownRecord[];
  readonly next: Position | undefined;
  readonly access: string;
}

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

/** As `listClinicalRecords`, for a read that has begun. */
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
    headOf(deps, partition),
  ]);
  const search = { partition, readable, query, size, position };
  const { records, next } = await findRecords(deps, search, head);
  const answered = foundOf(readable, records, (access: string) => ({ records, next, access }));
  // Consents that are named where something was found would tell that something was.
  return read.intent.deIdentified ? { ...answered, permits: readable.allPermits() } : answered;
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
  if (record !== undefined && record.content === undefined && !(seesDeleted && version > 0)) {
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
    if (record !== undefined && record.content === undefined && !seesDeleted) {
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
