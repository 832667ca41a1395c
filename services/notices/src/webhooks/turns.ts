import { createLoop } from "@wellapi/runtime";
import { leased } from "./place.ts";
import { type TurnDeps, takeTurn } from "./turn.ts";

/** Delivers to all endpoints, each apart from the others. */
export interface Turns {
  /** Delivers from now on. */
  start(): void;
  /** An organization may have new events: its endpoints are looked at. Durable when it resolves. Throws StoreError. */
  wake(feed: string): Promise<void>;
  /** Looks at once. */
  look(): void;
  /** Begins nothing any more, ends the tries that are under way, and waits for them. */
  close(): Promise<void>;
}

/** So many endpoints are delivered to at a time by one process: one that does not answer holds up itself alone. */
const MOST_TURNS = 32;

export function createTurns(deps: TurnDeps & { readonly workEveryMs: number }): Turns {
  const { deliveries, clock, log } = deps;
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  let started = false;

  const loop = createLoop({
    everyMs: deps.workEveryMs,
    async work() {
      if (!started || running.size >= MOST_TURNS) return;
      for (const held of await deliveries.due(clock.now(), MOST_TURNS - running.size)) {
        if (closing.signal.aborted) return;
        // Undefined where another replica was faster.
        const claimed = await deliveries.step(held, leased(held.document, clock.now()));
        if (claimed === undefined) continue;
        const turn = takeTurn(deps, claimed, closing.signal)
          .catch((err: unknown) => log.warn({ err }, "an endpoint of webhooks waits for the store"))
          .finally(() => {
            running.delete(turn);
            loop.wake();
          });
        running.add(turn);
      }
    },
    onError: (err) => log.warn({ err }, "webhooks that are due could not be read; trying again"),
  });

  return {
    start() {
      started = true;
      loop.wake();
    },
    async wake(feed) {
      const now = clock.now();
      for (const held of await deliveries.places(feed)) {
        const { lease_time: lease = 0, rest_time: rest = 0, due_time: due } = held.document;
        // Who holds it looks again at the end. Without a time it is paused.
        if (due === undefined || lease > now) continue;
        const sooner = Math.max(now, rest);
        if (sooner < due) await deliveries.step(held, { ...held.document, due_time: sooner });
      }
      loop.wake();
    },
    look: () => loop.wake(),
    async close() {
      closing.abort();
      await loop.close();
      await Promise.all(running);
    },
  };
}
