import { create, toBinary } from "@bufbuild/protobuf";
import { BatchCommittedSchema } from "@wellapi/gen/wellapi/internal/records/v1/records_events_pb";
import type { Clock } from "@wellapi/runtime";
import type { OutboxEvent } from "@wellapi/store";

export const BATCH_COMMITTED = "records.batch.committed";

/** Says that a commit can be read: a batch or its retraction. References only; the subject names no person. */
export function batchCommitted(
  partition: string,
  sequence: number,
  batch: string,
  clock: Clock,
): OutboxEvent {
  const id = `${batch}.${sequence}`;
  return {
    id,
    subject: BATCH_COMMITTED,
    data: toBinary(
      BatchCommittedSchema,
      create(BatchCommittedSchema, { partition, sequence: BigInt(sequence) }),
    ),
    headers: {
      "ce-specversion": "1.0",
      "ce-id": id,
      "ce-type": "wellapi.internal.records.v1.BatchCommitted",
      "ce-source": "/wellapi/records",
      "ce-time": new Date(clock.now()).toISOString(),
      "content-type": "application/protobuf",
    },
  };
}
