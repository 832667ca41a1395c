import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import type { Change } from "@wellapi/store";

/** An access to record. `id` and `time` are filled in where they are absent. No health values. */
export type AccessInit = MessageInitShape<typeof AccessSchema>;

export interface Leaf {
  /** `acc_...`, to be given to the caller. */
  readonly id: string;
  /** Insert of the leaf into the service's own `leaves` collection, for the same commit as the data. */
  readonly change: Change;
}

/**
 * The outbox of a service's leaves: written with the data, drained into the audit service.
 */
export interface AccessLog {
  /**
   * A leaf for a commit in `partition` (the patient's; for calls about no patient a partition of the service). `trace` is that of the
   * call, as `currentTrace` gave it, where the leaf is made outside of the call.
   */
  leaf(partition: string, patient: boolean, access: AccessInit, trace?: string): Leaf;
  /**
   * Writes a leaf alone, for reads and denials; durable when it resolves with the leaf's id. Group-committed.
   * While the store cannot write, leaves go to a preallocated reserve; once that is full it throws
   * AccessLogError `unavailable` and the caller must refuse the read.
   */
  record(partition: string, patient: boolean, access: AccessInit): Promise<string>;
  /**
   * Whether audit takes no leaves because the stored tree of its log is damaged. Health data must not be read then: the
   * entry is kept, and nothing could prove it. A change goes on, and so does a revocation.
   */
  logDamaged(): boolean;
  /** Wakes the drain after a commit with a leaf. */
  notify(): void;
  close(): Promise<void>;
}
