import type { CollectionDeclaration, Document, Store } from "@wellapi/store";
import type { Clock } from "./signal.ts";

const LEASES = "relay_leases";
const PARTITION = "relay";

/** What the composition root declares in each store that `openElectedRelay` drains. */
export const relayCollections: readonly CollectionDeclaration[] = [
  { name: LEASES, key: ["partition"], indexes: [] },
];

/** `token` grows with each holder. `renewals` makes each renewal another revision. */
type LeaseDocument = Document & {
  /** Empty: given back. */
  readonly holder: string;
  readonly token: number;
  readonly renewals: number;
};

export interface LeadershipOptions {
  readonly store: Pick<Store, "get" | "commit">;
  /** Of this process and this start of it alone. */
  readonly holder: string;
  readonly clock: Clock;
  readonly leaseMs: number;
}

export interface Leadership {
  /** Takes the lease where it is free, renews it where it is held. One call at a time. */
  keep(): Promise<void>;
  /** The fencing token, while the lease is held for certain by this clock. */
  token(): number | undefined;
  /** Asks the store whether this token is the last that was given out. */
  confirm(): Promise<boolean>;
  /** Lets another take it at once. */
  release(): Promise<void>;
}

/** The holder stops this much before others may take over: for clocks that do not run alike. */
const MARGIN = 0.2;

/**
 * A lease in one document. Nobody compares clocks with another: a holder counts from before it renewed, the
 * others from when they saw that renewal, and take over once it has been the last for the lease's time.
 */
export function createLeadership({ store, holder, clock, leaseMs }: LeadershipOptions): Leadership {
  let held: { readonly token: number; readonly until: number } | undefined;
  let seen: { readonly revision: number; readonly at: number } | undefined;

  const token = () => (held && clock.now() < held.until ? held.token : undefined);
  const read = () => store.get<LeaseDocument>(LEASES, [PARTITION]);

  const write = async (token: number, renewals: number, revision: number | undefined) => {
    const document: LeaseDocument = { partition: PARTITION, holder, token, renewals };
    const askedAt = clock.now();
    const result = await store.commit({
      partition: PARTITION,
      changes: [
        revision === undefined
          ? { kind: "insert", collection: LEASES, document }
          : { kind: "replace", collection: LEASES, document, ifRevision: revision },
      ],
    });
    held = result.committed ? { token, until: askedAt + leaseMs * (1 - MARGIN) } : undefined;
  };

  return {
    async keep() {
      const stored = await read();
      if (!stored) return write(1, 0, undefined);
      const { document, revision } = stored;
      // Also after a commit of which nobody knew whether it happened.
      if (document.holder === holder) return write(document.token, document.renewals + 1, revision);
      held = undefined;
      const now = clock.now();
      if (seen?.revision !== revision) seen = { revision, at: now };
      if (document.holder === "" || now - seen.at >= leaseMs) {
        await write(document.token + 1, document.renewals + 1, revision);
      }
    },
    token,
    async confirm() {
      const document = (await read())?.document;
      return document?.holder === holder && document.token === token();
    },
    async release() {
      held = undefined;
      const stored = await read();
      if (stored?.document.holder !== holder) return;
      const document = { ...stored.document, holder: "", renewals: stored.document.renewals + 1 };
      const change = { kind: "replace", collection: LEASES, document, ifRevision: stored.revision } as const;
      await store.commit({ partition: PARTITION, changes: [change] });
    },
  };
}
