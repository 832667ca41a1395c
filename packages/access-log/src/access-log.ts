import { createClient, type Transport } from "@connectrpc/connect";
import { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import type { Clock, Ids, Logger } from "@wellapi/runtime";
import { type Change, type Store, StoreError } from "@wellapi/store";
import { createDrain } from "./drain.ts";
import { AccessLogError } from "./errors.ts";
import {
  createLeafDocument,
  decodeLeafDocument,
  encodeLeafDocument,
  type LeafDocument,
  leavesCollection,
} from "./leaf.ts";
import type { LeafSealer } from "./leaf-sealer.ts";
import type { AccessLog } from "./port.ts";
import { rememberSealed } from "./remembered-leaves.ts";
import { openReserve } from "./reserve.ts";

export interface AccessLogOptions {
  /** The service's own store, with `leavesCollection` declared. */
  readonly store: Store;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly sealer: LeafSealer;
  /** To the audit service, authenticated for this service's workload. */
  readonly intake: Transport;
  /** Where leaves go while the store cannot take them; taken from the disk at open. A leaf needs about 0.5 KiB. */
  readonly reserve: { readonly path: string; readonly bytes: number };
  readonly log: Logger;
  /** First delay between attempts to move leaves, in milliseconds, doubled 5 times at most; default 200. */
  readonly backoffMs?: number;
  /** How long a wake of the drain waits for others, in milliseconds; default 50. */
  readonly gatherMs?: number;
}

/** An access log that can be waited for. */
export interface OpenAccessLog extends AccessLog {
  /** Resolves once audit has durably taken every leaf that was committed before the call, or at `close`. */
  drained(): Promise<void>;
  /** Leaves that have not reached audit, for operators. Throws StoreError if the store cannot be read. */
  waiting(): Promise<WaitingLeaves>;
}

export interface WaitingLeaves {
  /** In the store: of all processes that share it. */
  readonly outbox: Waiting;
  /** In this process's own reserve file. */
  readonly reserve: Waiting;
}

export interface Waiting {
  readonly count: number;
  /** Time of the oldest, UTC milliseconds; undefined if none waits. */
  readonly oldestMs: number | undefined;
}

/**
 * Opens a service's outbox of leaves, and delivers what an earlier run left in the outbox or in the reserve. `close`
 * leaves undelivered leaves for the next open. Close it before the store.
 */
export async function openAccessLog(options: AccessLogOptions): Promise<OpenAccessLog> {
  const { store, log } = options;
  const sealing = { ...options, sealer: rememberSealed(options.sealer) };
  const reserve = await openReserve(options.reserve);
  const intake = createClient(AuditIntakeService, options.intake);
  const drain = createDrain({
    ...sealing,
    reserve,
    intake,
    backoffMs: options.backoffMs ?? 200,
    gatherMs: options.gatherMs ?? 50,
  });
  let closing: Promise<void> | undefined;

  async function commitLeaf(document: LeafDocument): Promise<void> {
    const result = await store.commit({ partition: document.partition, changes: [insertOf(document)] });
    if (!result.committed) throw new AccessLogError("duplicate_leaf", "a leaf of this id was written before");
    drain.storeWorks();
  }

  drain.wake();
  return {
    leaf(partition, patient, access, trace) {
      const document = createLeafDocument(sealing, partition, patient, access, trace);
      return { id: document.id, change: insertOf(document) };
    },
    async record(partition, patient, access) {
      if (closing) throw new AccessLogError("unavailable", "the access log is closed");
      const document = createLeafDocument(sealing, partition, patient, access);
      try {
        await commitLeaf(document);
      } catch (error) {
        // A damaged page among the leaves must not prevent other data from being read.
        const takes =
          error instanceof StoreError && (error.code === "unavailable" || error.code === "damaged");
        if (!takes) throw error;
        // Logged once, not for each leaf: a full disk must not fill the logs, too.
        if (reserve.held().length === 0) log.warn({ err: error }, "leaves go to the reserve now");
        await reserve.append(encodeLeafDocument(document));
      }
      drain.wake();
      return document.id;
    },
    logDamaged: drain.logDamaged,
    notify: drain.wake,
    drained: drain.drained,
    async waiting() {
      const scan = { index: "byTime", equals: [], limit: 1 };
      const [count, oldest] = await Promise.all([
        store.count(leavesCollection.name),
        store.scan<LeafDocument>(leavesCollection.name, scan),
      ]);
      return {
        outbox: { count, oldestMs: oldest.documents[0]?.document.timeMs },
        reserve: heldIn(reserve.held()),
      };
    },
    close() {
      closing ??= drain.close().then(reserve.close);
      return closing;
    },
  };
}

function heldIn(records: readonly Uint8Array[]): Waiting {
  const [first] = records;
  return { count: records.length, oldestMs: first && decodeLeafDocument(first).timeMs };
}

function insertOf(document: LeafDocument): Change {
  return { kind: "insert", collection: leavesCollection.name, document };
}
