import type { Store } from "@wellapi/store";
import { collections, type EndingDocument } from "./collections.ts";
import type { Telling } from "./telling.ts";

const AT_ONCE = 100;

/** Tells of consents that end soon, at the time that was noted when each was granted. */
export function createEndings(deps: {
  readonly store: Store;
  readonly telling: Pick<Telling, "ofEnding">;
  readonly clock: { now(): number };
  /** Says that an inbox changed. */
  readonly told: (partition: string) => void;
  readonly log: { warn(fields: object, message: string): void };
}): { work(): Promise<void> } {
  const { store, telling, clock, told, log } = deps;
  return {
    async work() {
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
