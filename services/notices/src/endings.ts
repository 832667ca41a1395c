import { createMovesFollower, type OrganizationTimes } from "@wellapi/service";
import { type Store, StoreError, scanPages } from "@wellapi/store";
import { collections, type EndingDocument } from "./collections.ts";
import { isAway } from "./organizations/course-client.ts";
import type { Telling } from "./telling.ts";

const AT_ONCE = 100;

/** Tells of consents that end soon, at the time that was noted when each was granted: by the true time, in a sandbox nearer with each move of the grantee's clock. */
export function createEndings(deps: {
  readonly store: Store;
  readonly telling: Pick<Telling, "ofEnding" | "forwarded">;
  readonly clock: { now(): number };
  readonly times: OrganizationTimes;
  /** Says that an inbox changed. */
  readonly told: (partition: string) => void;
  readonly log: { warn(fields: object, message: string): void };
}): { work(): Promise<void> } {
  const { store, telling, clock, times, told, log } = deps;

  const followMoves = createMovesFollower(times, async () => {
    const waiting = { index: "due", equals: [], range: { from: clock.now() }, limit: AT_ONCE } as const;
    for await (const { documents } of scanPages<EndingDocument>(store, collections.endings, waiting)) {
      for (const { document, revision } of documents) {
        try {
          const changes = await telling.forwarded(document, revision);
          // Refused where the consent changed meanwhile: then it was noted anew.
          if (changes.length > 0) await store.commit({ partition: document.partition, changes });
        } catch (err) {
          // Then the whole pass is made again: one that was left out would be late by as much as the clock is ahead.
          if (isAway(err) || err instanceof StoreError) throw err;
          log.warn({ err }, "a consent's end could not be put forward");
        }
      }
    }
  });

  return {
    async work() {
      await followMoves();
      const { documents } = await store.scan<EndingDocument>(collections.endings, {
        index: "due",
        equals: [],
        range: { to: clock.now() + 1 },
        limit: AT_ONCE,
      });
      for (const { document, revision } of documents) {
        const { partition } = document;
        try {
          const changes = await telling.ofEnding(document, revision);
          // Refused where another replica was faster, or the inbox changed: the next turn looks again.
          if ((await store.commit({ partition, changes })).committed) told(partition);
        } catch (err) {
          log.warn({ err }, "a consent's end could not be told; trying again");
        }
      }
    },
  };
}
