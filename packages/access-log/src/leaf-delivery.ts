import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type {
  AuditIntakeService,
  LeafSchema,
} from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { problemOf } from "@wellapi/rpc";
import { type Logger, traceAttributes, traced } from "@wellapi/runtime";
import { type Store, scanPages } from "@wellapi/store";
import { type LeafDocument, leavesCollection, openLeafDocument } from "./leaf.ts";
import type { LeafSealer } from "./leaf-sealer.ts";

/** The intake takes 1,000 leaves; the bytes keep a request far below the wire's limit of 4 MiB. */
const MAX_LEAVES = 1000;
const MAX_BATCH_BYTES = 1024 * 1024;
/** An unanswered call must not delay the log for long once audit is back. */
const CALL_TIMEOUT_MS = 5_000;

type IntakeLeaf = MessageInitShape<typeof LeafSchema>;

interface Delivery {
  readonly document: LeafDocument;
  readonly leaf: IntakeLeaf;
}

export interface DeliveryOptions {
  readonly store: Store;
  readonly sealer: LeafSealer;
  readonly intake: Client<typeof AuditIntakeService>;
  readonly log: Logger;
}

/** Delivers what is in the outbox to the audit service. */
export class LeafDelivery {
  readonly #options: DeliveryOptions;
  readonly #signal: AbortSignal;
  /** Ids of leaves that cannot be delivered. They stay in the outbox as evidence, and are reported once. */
  readonly #refused = new Set<string>();
  #logDamaged = false;

  constructor(options: DeliveryOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Whether audit refused the last leaves because its log is damaged. */
  get logDamaged(): boolean {
    return this.#logDamaged;
  }

  /** Delivers and then deletes all leaves, the oldest first. Throws StoreError, ConnectError; what is left stays. */
  async deliverAll(): Promise<void> {
    const scan = { index: "byTime", equals: [], limit: MAX_LEAVES };
    for await (const page of scanPages<LeafDocument>(this.#options.store, leavesCollection.name, scan)) {
      const deliveries = page.documents.flatMap(({ document }) => this.#open(document));
      for (const batch of batchesOf(deliveries)) await this.#deliver(batch);
      if (this.#signal.aborted) return;
    }
  }

  #open(document: LeafDocument): Delivery[] {
    if (this.#refused.has(document.id)) return [];
    try {
      return [{ document, leaf: openLeafDocument(this.#options.sealer, document) }];
    } catch (error) {
      this.#refuse(document.id, error);
      return [];
    }
  }

  /** Linked with the calls whose entries it delivers; their number has no bound, so it belongs to none of them. */
  #deliver(batch: readonly Delivery[]): Promise<void> {
    const attributes = { [traceAttributes.entries]: batch.length };
    const causes = batch.map(({ document }) => document.trace);
    return traced({ name: "deliver entries", kind: "producer", attributes, causes }, () =>
      this.#append(batch),
    );
  }

  async #append(batch: readonly Delivery[]): Promise<void> {
    try {
      const leaves = batch.map(({ leaf }) => leaf);
      await this.#options.intake.append({ leaves }, { signal: this.#signal, timeoutMs: CALL_TIMEOUT_MS });
      this.#logDamaged = false;
    } catch (error) {
      this.#logDamaged = problemOf(ConnectError.from(error)).reason === "LOG_DAMAGED" || this.#logDamaged;
      if (ConnectError.from(error).code !== Code.InvalidArgument) throw error;
      // One leaf that audit refuses must not hold up the others: halve until it is alone.
      if (batch.length === 1) return this.#refuse(batch[0]!.document.id, error);
      const middle = batch.length >> 1;
      await this.#append(batch.slice(0, middle));
      return this.#append(batch.slice(middle));
    }
    await this.#remove(batch.map(({ document }) => document));
  }

  async #remove(documents: readonly LeafDocument[]): Promise<void> {
    const byPartition = Map.groupBy(documents, ({ partition }) => partition);
    const commits = [...byPartition].map(([partition, leaves]) => {
      const changes = leaves.map(({ id }) => {
        return { kind: "delete" as const, collection: leavesCollection.name, key: [partition, id] };
      });
      return this.#options.store.commit({ partition, changes });
    });
    await Promise.all(commits);
  }

  #refuse(id: string, error: unknown): void {
    this.#refused.add(id);
    this.#options.log.error({ err: error }, `leaf ${id} cannot be delivered and stays in the outbox`);
  }
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
