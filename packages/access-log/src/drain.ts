import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type {
  AuditIntakeService,
  LeafSchema,
} from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import type { Logger } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import { decodeLeafDocument, type LeafDocument, leavesCollection, openLeafDocument } from "./leaf.ts";
import type { LeafSealer } from "./leaf-sealer.ts";
import type { Reserve } from "./reserve.ts";

/** Moves leaves from the reserve to the outbox, and from the outbox to the audit service. */
export interface Drain {
  /** There may be something to move. */
  wake(): void;
  /** A commit has just worked: what waits for the store need not wait longer. */
  storeWorks(): void;
  /** Resolves once a pass has moved everything, or the drain is closed. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

export interface DrainOptions {
  readonly store: Store;
  readonly reserve: Reserve;
  readonly sealer: LeafSealer;
  readonly intake: Client<typeof AuditIntakeService>;
  readonly log: Logger;
  /** First retry delay in milliseconds, doubled to `backoffMs * 4` at most. */
  readonly backoffMs: number;
  /** How long a wake waits for others, in milliseconds: under load, leaves then travel in groups. */
  readonly gatherMs: number;
}

/** The intake takes 1,000 leaves; the bytes keep a request far below the wire's limit of 4 MiB. */
const MAX_LEAVES = 1000;
const MAX_BATCH_BYTES = 1024 * 1024;
const IMPORT_AT_ONCE = 200;
/** A call that nobody answers must not hold up the log for long once audit is back. */
const CALL_TIMEOUT_MS = 5_000;

type IntakeLeaf = MessageInitShape<typeof LeafSchema>;
interface Delivery {
  readonly document: LeafDocument;
  readonly leaf: IntakeLeaf;
}

export function createDrain(options: DrainOptions): Drain {
  const { store, reserve, sealer, intake, log } = options;
  const abort = new AbortController();
  /** Ids of leaves that nobody can deliver. They stay in the outbox as evidence, and are reported once. */
  const refused = new Set<string>();
  let running: Promise<void> | undefined;
  let again = false;
  let endPause: (() => void) | undefined;
  /** How many wait for the drain: then it does not gather. */
  let waiters = 0;
  /** A commit worked since the pass began, so what the pass could not do is worth trying at once. */
  let storeWorked = false;

  function wake(): void {
    again = true;
    if (running === undefined && !abort.signal.aborted) running = run();
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (again && !abort.signal.aborted) {
      if (waiters === 0 && failures === 0) await pause(options.gatherMs);
      again = false;
      storeWorked = false;
      // Neither waits for the other: with a full disk the outbox can still be read and delivered.
      const results = await Promise.allSettled([importReserve(), deliverAll()]);
      const failed = results.find((result) => result.status === "rejected");
      if (failed === undefined) {
        failures = 0;
      } else if (!abort.signal.aborted) {
        again = true;
        failures += 1;
        log.warn({ err: failed.reason, attempt: failures }, "leaves could not be moved; trying again");
        const reserveMayMove = storeWorked && reserve.held().length > 0;
        if (!reserveMayMove) await pause(options.backoffMs * 2 ** Math.min(failures - 1, 2));
      }
    }
    // In the same turn as the loop's last look at `again`, so that no wake is lost.
    running = undefined;
  }

  function pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        endPause = undefined;
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      endPause = end;
    });
  }

  async function importReserve(): Promise<void> {
    const records = reserve.held();
    for (let start = 0; start < records.length; start += IMPORT_AT_ONCE) {
      const some = records.slice(start, start + IMPORT_AT_ONCE);
      await Promise.all(some.map((record) => importRecord(decodeLeafDocument(record))));
      await reserve.release(some.length);
    }
    if (records.length > 0) {
      log.info({ count: records.length }, "the reserve's leaves are in the store again");
      again = true;
    }
  }

  /** A leaf may be there already: the commit that seemed to fail may have happened. */
  async function importRecord(document: LeafDocument): Promise<void> {
    const { partition } = document;
    const { name: collection } = leavesCollection;
    await store.commit({ partition, changes: [{ kind: "insert", collection, document }] });
  }

  async function deliverAll(): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await store.scan<LeafDocument>(leavesCollection.name, {
        index: "byTime",
        equals: [],
        limit: MAX_LEAVES,
        ...(cursor === undefined ? {} : { cursor }),
      });
      const deliveries = page.documents.flatMap(({ document }) => openDelivery(document));
      for (const batch of batchesOf(deliveries)) await deliver(batch);
      cursor = page.cursor;
    } while (cursor !== undefined && !abort.signal.aborted);
  }

  function openDelivery(document: LeafDocument): Delivery[] {
    if (refused.has(document.id)) return [];
    try {
      return [{ document, leaf: openLeafDocument(sealer, document) }];
    } catch (error) {
      refuse(document.id, error);
      return [];
    }
  }

  async function deliver(batch: readonly Delivery[]): Promise<void> {
    try {
      const leaves = batch.map(({ leaf }) => leaf);
      await intake.append({ leaves }, { signal: abort.signal, timeoutMs: CALL_TIMEOUT_MS });
    } catch (error) {
      if (ConnectError.from(error).code !== Code.InvalidArgument) throw error;
      // One leaf that audit refuses must not hold up the others: halve until it is alone.
      if (batch.length === 1) return refuse(batch[0]!.document.id, error);
      const middle = batch.length >> 1;
      await deliver(batch.slice(0, middle));
      return deliver(batch.slice(middle));
    }
    await remove(batch.map(({ document }) => document));
  }

  async function remove(documents: readonly LeafDocument[]): Promise<void> {
    const byPartition = Map.groupBy(documents, ({ partition }) => partition);
    const commits = [...byPartition].map(([partition, leaves]) => {
      const changes = leaves.map(({ id }) => {
        return { kind: "delete" as const, collection: leavesCollection.name, key: [partition, id] };
      });
      return store.commit({ partition, changes });
    });
    await Promise.all(commits);
  }

  function refuse(id: string, error: unknown): void {
    refused.add(id);
    log.error({ err: error }, `leaf ${id} cannot be delivered and stays in the outbox`);
  }

  return {
    wake,
    storeWorks() {
      storeWorked = true;
      if (reserve.held().length > 0) endPause?.();
    },
    async drained() {
      waiters += 1;
      wake();
      endPause?.();
      while (running !== undefined) await running;
      waiters -= 1;
    },
    async close() {
      abort.abort();
      endPause?.();
      await running;
    },
  };
}

function batchesOf(deliveries: readonly Delivery[]): Delivery[][] {
  const batches: Delivery[][] = [];
  let batch: Delivery[] = [];
  let bytes = 0;
  for (const delivery of deliveries) {
    const size = delivery.leaf.body?.length ?? 0;
    if (batch.length > 0 && (batch.length === MAX_LEAVES || bytes + size > MAX_BATCH_BYTES)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(delivery);
    bytes += size;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
