import type { Clock } from "@wellapi/runtime";
import type { Change, Store } from "@wellapi/store";
import type { ConsentSealing } from "../consent-sealing.ts";
import { ConsentError } from "../errors.ts";
import { consentRequestDays, type DayDocument, organizationMac } from "./request-documents.ts";

const DAY = 86_400_000;

/** Counts the requests of an organization in a day of UTC, over all replicas and restarts. */
export interface RequestBudget {
  /** Counts a request before it is judged, so that ids that are guessed count too. Throws `requests_limited`, StoreError. */
  take(organization: string): Promise<void>;
}

export function createRequestBudget(deps: {
  readonly store: Store;
  readonly sealing: Pick<ConsentSealing, "tagOf">;
  readonly clock: Clock;
  /** The most in a day. */
  readonly most: number;
}): RequestBudget {
  const { store, sealing, clock, most } = deps;
  const { name: collection } = consentRequestDays;
  return {
    async take(organization) {
      const partition = `requests/${organizationMac(sealing, organization)}`;
      for (;;) {
        const now = clock.now();
        const day = new Date(now).toISOString().slice(0, 10);
        const stored = await store.get<DayDocument>(collection, [partition]);
        const before = stored?.document.day === day ? stored.document.count : 0;
        if (before >= most) {
          const message = `${most} requests a day are the most for an organization: go on tomorrow (UTC)`;
          throw new ConsentError("requests_limited", { message, retryAfterMs: DAY - (now % DAY) });
        }
        const document: DayDocument = { partition, day, count: before + 1 };
        const change: Change =
          stored === undefined
            ? { kind: "insert", collection, document }
            : { kind: "replace", collection, document, ifRevision: stored.revision };
        if ((await store.commit({ partition, changes: [change] })).committed) return;
      }
    },
  };
}
