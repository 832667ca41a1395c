import { cloudEvent } from "@wellapi/events/cloud-event";
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
  const content = { partition, sequence: BigInt(sequence) };
  const id = `${batch}.${sequence}`;
  return cloudEvent(BatchCommittedSchema, content, {
    id,
    subject: BATCH_COMMITTED,
    source: "/wellapi/records",
    time: clock.now(),
  });
}
