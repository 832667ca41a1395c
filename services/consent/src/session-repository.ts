import { systemTimers, type Timers } from "@wellapi/enforcer";
import {
  type CollectionDeclaration,
  type Document,
  type Store,
  type Stored,
  scanPages,
} from "@wellapi/store";
import type { RecallScope } from "./consent.ts";
import type { ScopeSealing } from "./scope-sealing.ts";
import { SessionList, sessionsPartition } from "./session-list.ts";

/** A recall that a session has not acknowledged. */
export interface OwedRecall extends RecallScope {
  readonly recall: string;
  /** The patient's partition. */
  readonly partition: string;
}

/** One enforcer's session. It is renewed only while it owes no acknowledgement. */
export interface EnforcerSession {
  readonly partition: typeof sessionsPartition;
  readonly session: string;
  readonly enforcer: string;
  /** Wall clock, for operators; nothing is decided by it. */
  readonly expires_hint: number;
  readonly owed: readonly OwedRecall[];
}

export const enforcerSessions: CollectionDeclaration = {
  name: "enforcer_sessions",
  key: ["partition", "session"],
  indexes: [],
};

/** A session as it was read. */
export interface SeenSession {
  readonly document: EnforcerSession;
  /** Changes with each change of the session. */
  readonly revision: number;
}

export type Renewal =
  | { readonly kind: "renewed" }
  | { readonly kind: "owes"; readonly owed: readonly OwedRecall[] }
  | { readonly kind: "gone" };

/**
 * The sessions of the enforcers. Each change of one session is atomic, so renewals, recalls and acknowledgements of it are
 * totally ordered.
 */
export interface Sessions {
  /**
   * Kept before the enforcer learns of it: every session in use is in `list`. False, and nothing is kept, where `wanted` says no when
   * its turn comes.
   */
  open(session: string, enforcer: string, expiresHint: number, wanted?: () => boolean): Promise<boolean>;
  renew(session: string, expiresHint: number): Promise<Renewal>;
  /** Once this resolves with true, the session is not renewed until it acknowledges each. False: it is gone. */
  owe(session: string, ...recalls: readonly OwedRecall[]): Promise<boolean>;
  /** Acknowledging a recall that is not owed changes nothing. */
  acknowledge(session: string, recall: string): Promise<void>;
  /**
   * Deletes a session that still owes the recall; false where it does not (any more). Guarded: a session that
   * acknowledged and was renewed meanwhile is alive, and the next revocation must not miss it.
   */
  deleteOwing(session: string, recall: string): Promise<boolean>;
  /** Deletes a session that nobody has renewed, nor anything else, since it was seen. */
  deleteUnchanged(session: string, seen: SeenSession): Promise<void>;
  /** Deletes a session of which no enforcer has learned. */
  forget(session: string): Promise<void>;
  get(session: string): Promise<SeenSession | undefined>;
  /** Every session that existed when the call began and has not been deleted since. */
  list(): Promise<readonly string[]>;
  /** Sessions that seem to have run out before `wall`: candidates for retirement only. */
  stale(wall: number): Promise<string[]>;
}

type SessionDocument = EnforcerSession & Document;

/** An owed recall as it is stored. Its scope is sealed; a replica of the version before stores it in clear. */
type StoredOwed = Pick<OwedRecall, "recall" | "partition"> &
  (
    | { readonly sealed: Uint8Array; readonly grantees?: undefined }
    | (RecallScope & { readonly sealed?: undefined })
  );
type StoredSession = Document & Omit<EnforcerSession, "owed"> & { readonly owed: readonly StoredOwed[] };

/**
 * The stored sessions. Each change is a guarded replace, so renewals, recalls and acknowledgements of one session are
 * totally ordered, whichever replica makes them. All methods throw StoreError.
 *
 * The list of sessions is one document, read by its key, because the store's `get` is linearizable on every engine
 * (MongoDB answers it after a majority has confirmed the primary), and its `scan` is not. After an election, a
 * primary that does not know yet that it was replaced answers a scan with an older state of a majority: a session
 * that was opened since would be missed, and its enforcer not recalled. Only openings and deletions change the list;
 * renewals and acknowledgements do not.
 */
export class SessionRepository implements Sessions {
  readonly #store: Store;
  readonly #scopes: ScopeSealing;
  readonly #list: SessionList;

  constructor(store: Store, scopes: ScopeSealing, timers: Timers = systemTimers) {
    this.#store = store;
    this.#scopes = scopes;
    this.#list = new SessionList(store, timers);
  }

  open(session: string, enforcer: string, expiresHint: number, wanted = () => true): Promise<boolean> {
    const document = { partition: sessionsPartition, session, enforcer, expires_hint: expiresHint, owed: [] };
    const insert = { kind: "insert", collection: enforcerSessions.name, document } as const;
    return this.#list.open({ session, prepare: async () => (wanted() ? insert : undefined) });
  }

  async renew(session: string, expiresHint: number): Promise<Renewal> {
    while (true) {
      const stored = await this.get(session);
      if (!stored) return { kind: "gone" };
      const { owed } = stored.document;
      if (!this.mayRenew(stored.document)) return { kind: "owes", owed };
      if (await this.#replace(stored, { expires_hint: expiresHint })) return { kind: "renewed" };
    }
  }

  async owe(session: string, ...recalls: readonly OwedRecall[]): Promise<boolean> {
    while (true) {
      const stored = await this.get(session);
      if (!stored) return false;
      const news = recalls.filter(({ recall }) => !owes(stored.document, recall));
      if (news.length === 0) return true;
      if (await this.#replace(stored, { owed: [...stored.document.owed, ...news] })) return true;
    }
  }

  async acknowledge(session: string, recall: string): Promise<void> {
    while (true) {
      const stored = await this.get(session);
      if (!stored || !owes(stored.document, recall)) return;
      const owed = stored.document.owed.filter((other) => other.recall !== recall);
      if (await this.#replace(stored, { owed })) return;
    }
  }

  deleteOwing(session: string, recall: string): Promise<boolean> {
    return this.#delete(session, ({ document }) => owes(document, recall));
  }

  async deleteUnchanged(session: string, seen: SeenSession): Promise<void> {
    await this.#delete(session, ({ revision }) => revision === seen.revision);
  }

  async forget(session: string): Promise<void> {
    await this.#delete(session, () => true);
  }

  async get(session: string): Promise<Stored<SessionDocument> | undefined> {
    const stored = await this.#store.get<StoredSession>(enforcerSessions.name, [sessionsPartition, session]);
    if (stored === undefined) return undefined;
    const owed = stored.document.owed.map((one): OwedRecall => {
      const { recall, partition } = one;
      if (one.sealed === undefined) return { recall, partition, ...scopeOf(one) };
      return { recall, partition, ...this.#scopes.open(placeOf(session, recall), one.sealed) };
    });
    return { ...stored, document: { ...stored.document, owed } };
  }

  /** Linearizable: see above. */
  list(): Promise<readonly string[]> {
    return this.#list.read();
  }

  async stale(wall: number): Promise<string[]> {
    return (await this.#all()).filter((one) => one.expires_hint < wall).map(({ session }) => session);
  }

  protected mayRenew(session: EnforcerSession): boolean {
    return session.owed.length === 0;
  }

  /** As long as `mayGo` holds for what is stored when its turn comes. */
  #delete(session: string, mayGo: (seen: SeenSession) => boolean): Promise<boolean> {
    const prepare = async () => {
      const stored = await this.get(session);
      if (stored === undefined || !mayGo(stored)) return undefined;
      const key = [sessionsPartition, session];
      const { revision } = stored;
      return { kind: "delete", collection: enforcerSessions.name, key, ifRevision: revision } as const;
    };
    return this.#list.delete({ session, prepare });
  }

  /** By a scan, which may miss the newest ones: good enough, because the next look follows in seconds. */
  async #all(): Promise<StoredSession[]> {
    const sessions: StoredSession[] = [];
    const scan = { equals: [sessionsPartition], limit: 1_000 };
    for await (const { documents } of scanPages<StoredSession>(this.#store, enforcerSessions.name, scan)) {
      for (const { document } of documents) sessions.push(document);
    }
    return sessions;
  }

  async #replace(stored: Stored<SessionDocument>, change: Partial<EnforcerSession>): Promise<boolean> {
    const next = { ...stored.document, ...change };
    const owed = next.owed.map((one): StoredOwed => {
      const { recall, partition } = one;
      return { recall, partition, sealed: this.#scopes.seal(placeOf(next.session, recall), scopeOf(one)) };
    });
    const document = { ...next, owed };
    const { revision } = stored;
    const replace = {
      kind: "replace",
      collection: enforcerSessions.name,
      document,
      ifRevision: revision,
    } as const;
    return (await this.#store.commit({ partition: sessionsPartition, changes: [replace] })).committed;
  }
}

function placeOf(session: string, recall: string): readonly string[] {
  return [enforcerSessions.name, session, recall];
}

function scopeOf({ onlyWidens, grantees }: RecallScope): RecallScope {
  return { onlyWidens, grantees };
}

export function owes(session: EnforcerSession, recall: string): boolean {
  return session.owed.some((other) => other.recall === recall);
}
