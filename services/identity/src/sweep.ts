import { type Clock, createLoop, type Logger, type Loop } from "@wellapi/runtime";
import { type Document, type Store, StoreError } from "@wellapi/store";

/** How often what has expired is deleted. */
const SWEEP_MS = 600_000;
const SWEPT_AT_ONCE = 500;

/**
 * Deletes documents whose `expireTime` is over, at once and then every ten minutes. Their collection has the key
 * `partition`, `id` and the index `expiry` over `expireTime`. `keptMs`: how long they stay after that.
 */
export async function openSweep(options: {
  readonly store: Store;
  readonly collection: string;
  readonly keptMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<Loop> {
  const { store, collection, keptMs, clock, log } = options;

  async function sweep(): Promise<void> {
    for (;;) {
      const { documents } = await store.scan<Document & { readonly id: string }>(collection, {
        index: "expiry",
        equals: [],
        range: { to: clock.now() - keptMs + 1 },
        limit: SWEPT_AT_ONCE,
      });
      for (const { document } of documents) {
        const { partition, id } = document;
        await store.commit({ partition, changes: [{ kind: "delete", collection, key: [partition, id] }] });
      }
      if (documents.length < SWEPT_AT_ONCE) return;
    }
  }

  await sweep().catch((error: unknown) => {
    // A start on a full disk goes on; what has expired does not count in the meantime.
    if (!(error instanceof StoreError && error.full)) throw error;
  });
  return createLoop({
    everyMs: SWEEP_MS,
    work: sweep,
    onError: (err) => log.warn({ err, collection }, "what has expired could not be deleted; trying again"),
  });
}
