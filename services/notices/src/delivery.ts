import type { Logger } from "@wellapi/runtime";
import type { Change, Store, Stored } from "@wellapi/store";
import { collections, type DeliveryDocument } from "./collections.ts";
import type { ChannelName } from "./preferences.ts";
import { type Sending, type SendingsDeps, sendingsOf } from "./sendings.ts";

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

/** What a delivery of an urgent notice is due since: it comes before all others. */
export const DUE_SINCE_EVER = 0;

export interface Deliveries {
  /**
   * Sends what is due, or of that only what is urgent and was not tried yet; resolves to how many were due. Once aborted it begins
   * none any more. Throws StoreError where none can be read or claimed: trying again at once would be in vain.
   */
  work(which: "all" | "urgent", signal: AbortSignal): Promise<number>;
}

/**
 * Whoever moves a delivery's time sends it, so replicas do not send the same; a process that dies after a channel took a message and
 * before that is stored leaves it to be sent once more, under the same Message-ID.
 */
export function createDeliveries(deps: DeliveriesDeps): Deliveries {
  const { store, clock, log, counted } = deps;
  const { deliveries: collection } = collections;

  /** Undefined where another replica has it. */
  const claim = (stored: Stored<DeliveryDocument>) =>
    replaced(store, stored, claimedOnce(stored.document, clock.now()));

  /** Also what cannot even be prepared counts as a try, and ends with the last. */
  async function deliver(claimed: Stored<DeliveryDocument>): Promise<void> {
    const { partition, notice: id, channel, tries } = claimed.document;
    const outcome = await attempt(claimed).catch((err: unknown) => {
      log.warn({ err, attempt: tries }, "a notice waits to be sent");
      return "failed" as const;
    });
    if (outcome === "later" || outcome === "taken over") return;
    if (outcome === "failed" && tries < MOST_TRIES) return;
    if (outcome === "failed") {
      counted(channel as ChannelName, "given_up");
      log.error({ attempt: tries }, "a notice was not sent and is given up; it is in the inbox");
    }
    const key = [partition, id, channel];
    await store.commit({ partition, changes: [{ kind: "delete", collection, key }] });
  }

  async function attempt(claimed: Stored<DeliveryDocument>) {
    const { until, sendings } = await sendingsOf(deps, claimed.document, clock.now());
    if (until === undefined) return sendAll(claimed, sendings);
    await replaced(store, claimed, { due_time: until, tries: claimed.document.tries - 1 });
    return "later" as const;
  }

  /** All at once, so that it takes no longer than the slowest, which is well within the time for which it is claimed. */
  async function sendAll(claimed: Stored<DeliveryDocument>, sendings: readonly Sending[]) {
    const channel = claimed.document.channel as ChannelName;
    let at: Stored<DeliveryDocument> | undefined = claimed;
    let stored = Promise.resolve();
    let failed = false;
    /** As soon as somebody has it; one after the other, for each needs the revision of the one before. */
    const keep = (to: string, changes: readonly Change[]) => {
      stored = stored.then(async () => {
        at = at && (await replaced(store, at, { done: [...at.document.done, to] }, changes));
      });
      return stored;
    };
    const toSend = sendings.filter(({ to }) => !claimed.document.done.includes(to));
    const kept = await Promise.allSettled(
      toSend.map(async ({ to, send }) => {
        const changes = await send().catch((err: unknown) => {
          failed = true;
          counted(channel, "failed");
          const attempt = claimed.document.tries;
          log.warn({ err, attempt }, "a notice could not be sent; it is tried again");
        });
        if (changes === undefined) return;
        counted(channel, "sent");
        await keep(to, changes);
      }),
    );
    throwFirst(kept);
    if (at === undefined) return "taken over";
    return failed ? "failed" : "sent";
  }

  return {
    async work(which, signal) {
      const { documents } = await store.scan<DeliveryDocument>(collection, {
        index: "due",
        equals: [],
        range: { to: (which === "urgent" ? DUE_SINCE_EVER : clock.now()) + 1 },
        limit: AT_ONCE,
      });
      const waiting = documents.values();
      const lane = async () => {
        for (const stored of waiting) {
          if (signal.aborted) return;
          const claimed = await claim(stored);
          if (claimed === undefined) continue;
          await deliver(claimed).catch((err: unknown) => log.warn({ err }, "a notice waits to be sent"));
        }
      };
      throwFirst(await Promise.allSettled(Array.from({ length: LANES }, lane)));
      return documents.length;
    },
  };
}

/** Nothing of them is under way any more when it throws. */
function throwFirst(settled: readonly PromiseSettledResult<unknown>[]): void {
  const rejected = settled.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
  if (rejected !== undefined) throw rejected.reason;
}

function claimedOnce({ tries }: DeliveryDocument, now: number): Pick<DeliveryDocument, "due_time" | "tries"> {
  const backoff = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries);
  return { due_time: now + backoff, tries: tries + 1 };
}

const AT_ONCE = 50;
/** So many are sent at a time: a push service that does not answer holds up one of them, not everybody's. */
const LANES = 8;

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
