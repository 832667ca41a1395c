import { PageTokenError } from "@wellapi/rpc";
import {
  type CollectionDeclaration,
  type Document,
  type OutboxEvent,
  type Scan,
  type Store,
  StoreError,
} from "@wellapi/store";
import type { Interval, Scope } from "./access.ts";

/** An access at rest. Its content is sealed; only the fields that find it are in clear. */
export type StoredAccess = Document & {
  readonly id: string;
  readonly timeMs: number;
  /** Tag of the organization (access-sealing.ts). */
  readonly organization?: string | undefined;
  /** The entry that the log publishes for it. */
  readonly commitment: Uint8Array;
  /** Nonce (32 bytes) and body. */
  readonly sealed: Uint8Array;
};

export const accessesCollection: CollectionDeclaration = {
  name: "accesses",
  key: ["partition", "id"],
  indexes: [
    { name: "byId", fields: ["id"], unique: true },
    { name: "byTime", fields: ["partition", "timeMs"] },
    { name: "byOrganization", fields: ["organization", "timeMs"] },
  ],
  // 2: organizations are tags.
  version: 2,
};

/** Events of accesses that are stored now. */
export type EventsOf = (accesses: readonly StoredAccess[]) => readonly OutboxEvent[];

export interface Inserted {
  readonly access: StoredAccess;
  /** False: it was known. */
  readonly added: boolean;
}

export interface AccessRepository {
  /**
   * Stores accesses of one partition, except known ids; returns the stored accesses, in their order. The events are committed with
   * them; they are asked for anew where some turn out to be known.
   */
  insert(accesses: readonly StoredAccess[], eventsOf: EventsOf): Promise<readonly Inserted[]>;
  find(id: string): Promise<StoredAccess | undefined>;
  /** Newest first; an organization by its tag. Throws PageTokenError for a cursor of before its accesses were tagged. */
  list(
    scope: Scope,
    interval: Interval,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ readonly accesses: readonly StoredAccess[]; readonly cursor: string | undefined }>;
  /** How many there are, at most `limit`. Reads as many. */
  count(scope: Scope, interval: Interval, limit: number): Promise<number>;
}

export function createAccessRepository(store: Store): AccessRepository {
  const { name: collection } = accessesCollection;

  async function find(id: string): Promise<StoredAccess | undefined> {
    const page = await store.scan<StoredAccess>(collection, { index: "byId", equals: [id], limit: 1 });
    return page.documents[0]?.document;
  }

  async function inserted(accesses: readonly StoredAccess[], eventsOf: EventsOf): Promise<boolean> {
    const changes = accesses.map((document) => ({ kind: "insert" as const, collection, document }));
    const events = eventsOf(accesses);
    return (await store.commit({ partition: accesses[0]!.partition, changes, events })).committed;
  }

  async function insertOne(access: StoredAccess, eventsOf: EventsOf): Promise<Inserted> {
    if (await inserted([access], eventsOf)) return { access, added: true };
    return { access: (await find(access.id)) ?? access, added: false };
  }

  return {
    find,
    async insert(accesses, eventsOf) {
      if (accesses.length > 1 && (await inserted(accesses, eventsOf))) {
        return accesses.map((access) => ({ access, added: true }));
      }
      return Promise.all(accesses.map((access) => insertOne(access, eventsOf)));
    },
    async list(scope, interval, limit, cursor) {
      const page = await store
        .scan<StoredAccess>(collection, {
          ...newestFirst(scope, interval, limit),
          ...(cursor === undefined ? {} : { cursor }),
        })
        .catch((cause: unknown) => {
          const foreign = cursor !== undefined && cause instanceof StoreError && cause.code === "invalid";
          throw foreign ? new PageTokenError() : cause;
        });
      return { accesses: page.documents.map(({ document }) => document), cursor: page.cursor };
    },
    async count(scope, interval, limit) {
      return (await store.scan(collection, newestFirst(scope, interval, limit))).documents.length;
    },
  };
}

function newestFirst(scope: Scope, interval: Interval, limit: number): Scan {
  return {
    index: scope.kind === "partition" ? "byTime" : "byOrganization",
    equals: [scope.kind === "partition" ? scope.partition : scope.organization],
    range: interval,
    order: "descending",
    limit,
  };
}
