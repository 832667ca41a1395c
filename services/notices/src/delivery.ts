import type { Logger } from "@wellapi/runtime";
import type { Change, Store, Stored } from "@wellapi/store";
import { collections, type DeliveryDocument } from "./collections.ts";
import type { ChannelName } from "./preferences.ts";
import { type SendingsDeps, sendingsOf } from "./sendings.ts";

/** The first try is this long before the second; it doubles, up to the longest. */
export const FIRST_BACKOFF_MS = 60_000;
const LONGEST_BACKOFF_MS = 6 * 3_600_000;
/** After about three days a message is old news: the inbox has it. */
export const MOST_TRIES = 20;

export interface DeliveriesDeps extends SendingsDeps {
  readonly clock: { now(): number };
  readonly log: Logger;
  readonly counted: (channel: ChannelName, outcome: "sent" | "failed" | "given_up") => void;
}

/**
 * Sends what is due. Whoever moves a delivery's time sends it, so replicas do not send the same; a process that dies after a channel
 * took a message and before that is stored leaves it to be sent once more, under the same Message-ID.
 */
export function createDeliveries(deps: DeliveriesDeps): {
  /** Resolves to how many were due. Throws StoreError where none can be read or claimed: trying again at once would be in vain. */
  work(): Promise<number>;
} {
  const { store, clock, log, counted } = deps;
  const { deliveries: collection } = collections;

  /** Undefined where another replica has it. */
  function claim(stored: Stored<DeliveryDocument>): Promise<Stored<DeliveryDocument> | undefined> {
    const { tries } = stored.document;
    const backoff = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries);
    return replaced(store, stored, { due_time: clock.now() + backoff, tries: tries + 1 });
  }

  async function deliver(claimed: Stored<DeliveryDocument>): Promise<void> {
    const { partition, notice: id, channel, tries } = claimed.document;
    const now = clock.now();
    const wait = await sendingsOf(deps, claimed.document, now);
    if (wait.until !== undefined) {
      await replaced(store, claimed, { due_time: wait.until, tries: tries - 1 });
      return;
    }
    let at = claimed;
    let failed = false;
    for (const { to, send } of wait.sendings) {
      if (at.document.done.includes(to)) continue;
      try {
        const changes = await send();
        counted(channel as ChannelName, "sent");
        const next = await replaced(store, at, { done: [...at.document.done, to] }, changes);
        if (next === undefined) return;
        at = next;
      } catch (err) {
        failed = true;
        counted(channel as ChannelName, "failed");
        log.warn({ err, attempt: tries }, "a notice could not be sent; it is tried again");
      }
    }
    if (failed && tries < MOST_TRIES) return;
    if (failed) {
      counted(channel as ChannelName, "given_up");
      log.error({ attempt: tries }, "a notice was not sent and is given up; it is in the inbox");
    }
    const key = [partition, id, channel];
    await store.commit({ partition, changes: [{ kind: "delete", collection, key }] });
  }

  return {
    async work() {
      const { documents } = await store.scan<DeliveryDocument>(collection, {
        index: "due",
        equals: [],
        range: { to: clock.now() + 1 },
        limit: AT_ONCE,
      });
      for (const stored of documents) {
        const claimed = await claim(stored);
        if (claimed === undefined) continue;
        await deliver(claimed).catch((err: unknown) => log.warn({ err }, "a notice waits to be sent"));
      }
      return documents.length;
    },
  };
}

const AT_ONCE = 50;

/** Undefined where another replica changed it, or it is gone. */
async function replaced(
  store: Store,
  { document, revision }: Stored<DeliveryDocument>,
  change: Partial<DeliveryDocument>,
  further: readonly Change[] = [],
): Promise<Stored<DeliveryDocument> | undefined> {
  const next = { ...document, ...change };
  const { partition } = document;
  const made = {
    kind: "replace",
    collection: collections.deliveries,
    document: next,
    ifRevision: revision,
  } as const;
  const result = await store.commit({ partition, changes: [made, ...further] });
  return result.committed ? { document: next, revision: revision + 1 } : undefined;
}
