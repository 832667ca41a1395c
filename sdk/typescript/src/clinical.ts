import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { CallOptions, Client } from "@connectrpc/connect";
import {
  type ClinicalBatch,
  ClinicalBatchSchema,
  type ClinicalRecord,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import type {
  ClinicalRecordsService,
  ListClinicalRecordsRequestSchema,
  ListClinicalRecordVersionsRequestSchema,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { paginate } from "./pages.ts";
import type { Query } from "./reads.ts";

/** A client of `ClinicalRecordsService`. */
export type ClinicalClient = Client<typeof ClinicalRecordsService>;

/** Lists clinical records that the caller may read, in the order that the request names. */
export function listClinicalRecords(
  client: ClinicalClient,
  request: Query<typeof ListClinicalRecordsRequestSchema>,
  options?: CallOptions,
): AsyncGenerator<ClinicalRecord, void, undefined> {
  return paginate(
    (pageToken) => client.listClinicalRecords({ ...request, pageToken }, options),
    (page) => page.records,
  );
}

/** Lists the versions of a record, the newest first. */
export function listClinicalRecordVersions(
  client: ClinicalClient,
  request: Query<typeof ListClinicalRecordVersionsRequestSchema>,
  options?: CallOptions,
): AsyncGenerator<ClinicalRecord, void, undefined> {
  return paginate(
    (pageToken) => client.listClinicalRecordVersions({ ...request, pageToken }, options),
    (page) => page.versions,
  );
}

export interface ClinicalBatchOptions {
  /** The patient, by the sender's own id. */
  readonly patient: string;
  /** Most resources a batch, up to 500; 100 unless given. */
  readonly recordsPerBatch?: number;
}

/** A message has at most 4 MiB; resources in JSON take a little more there than in their text. */
const mostBytes = 3 * 1024 * 1024;

/**
 * Resources, each as JSON text, in batches. The request id of a batch is a digest of what it holds, so that the same resources sent
 * again are stored once.
 */
export async function* clinicalBatchesOf(
  resources: AsyncIterable<string> | Iterable<string>,
  { patient, recordsPerBatch = 100 }: ClinicalBatchOptions,
): AsyncGenerator<ClinicalBatch> {
  let held: string[] = [];
  let bytes = 0;
  for await (const resource of resources) {
    const size = Buffer.byteLength(resource);
    if (held.length > 0 && (held.length === recordsPerBatch || bytes + size > mostBytes)) {
      yield batchOf(patient, held);
      [held, bytes] = [[], 0];
    }
    held.push(resource);
    bytes += size;
  }
  if (held.length > 0) yield batchOf(patient, held);
}

function batchOf(patient: string, resources: readonly string[]): ClinicalBatch {
  const hash = createHash("sha256");
  for (const resource of resources) hash.update(`${Buffer.byteLength(resource)}\0`).update(resource);
  return create(ClinicalBatchSchema, {
    requestId: `load-${hash.digest("hex").slice(0, 40)}`,
    patient,
    writes: resources.map((resource) => ({ operation: { case: "create" as const, value: { resource } } })),
  });
}
