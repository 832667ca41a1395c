import type { CollectionDeclaration, Document, Store, Stored } from "@wellapi/store";

/** A recall that a session has not acknowledged. */
export interface OwedRecall {
  readonly recall: string;
  /** The patient's. */
  readonly partition: string;
}

/** One enforcer's session. It is renewed only while it owes nothing. */
export interface EnforcerSession {
  readonly partition: typeof sessionsPartition;
  readonly session: string;
  readonly enforcer: string;
  /** Wall clock, for people who look; nothing is decided by it. */
  readonly expires_hint: number;
  readonly owed: readonly OwedRecall[];
}

/** All sessions lie in one partition, so that one scan by key lists them linearizably. */
export const sessionsPartition = "sessions";

export const enforcerSessions: CollectionDeclaration = {
  name: "enforcer_sessions",
  key: ["partition", "session"],
  indexes: [],
};

export type Renewal =
  | { readonly kind: "renewed" }
  | { readonly kind: "owes"; readonly owed: readonly OwedRecall[] }
  | { readonly kind: "gone" };

type SessionDocument = EnforcerSession & Document;

/**
 * The stored sessions. Each change is a guarded replace, so that renewals, recalls and acknowledgements of one
 * session are totally ordered whichever replica makes them. All methods throw StoreError.
 */
export class SessionRepository {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Stored before the enforcer hears of it: no session is in use that `list` would not show. */
  async open(session: string, enforcer: string, expiresHint: number): Promise<void> {
    const document = { partition: sessionsPartition, session, enforcer, expires_hint: expiresHint, owed: [] };
    const change = { kind: "insert", collection: enforcerSessions.name, document } as const;
    await this.#store.commit({ partition: sessionsPartition, changes: [change] });
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

  /** From when this resolves with true, the session is not renewed until it acknowledges. False: it is gone. */
  async owe(session: string, recall: OwedRecall): Promise<boolean> {
    while (true) {
      const stored = await this.get(session);
      if (!stored) return false;
      if (owes(stored.document, recall.recall)) return true;
      if (await this.#replace(stored, { owed: [...stored.document.owed, recall] })) return true;
    }
  }

  /** Acknowledging what is not owed changes nothing. */
  async acknowledge(session: string, recall: string): Promise<void> {
    while (true) {
      const stored = await this.get(session);
      if (!stored || !owes(stored.document, recall)) return;
      const owed = stored.document.owed.filter((other) => other.recall !== recall);
      if (await this.#replace(stored, { owed })) return;
    }
  }

  /**
   * Deletes a session that still owes the recall; false where it does not (any more). Guarded: a session that
   * acknowledged and was renewed meanwhile is alive, and deleting it would hide it from the next revocation.
   */
  async deleteOwing(session: string, recall: string): Promise<boolean> {
    while (true) {
      const stored = await this.get(session);
      if (!stored || !owes(stored.document, recall)) return false;
      const key = [sessionsPartition, session];
      const { revision } = stored;
      const change = {
        kind: "delete",
        collection: enforcerSessions.name,
        key,
        ifRevision: revision,
      } as const;
      const result = await this.#store.commit({ partition: sessionsPartition, changes: [change] });
      if (result.committed) return true;
    }
  }

  async get(session: string): Promise<Stored<SessionDocument> | undefined> {
    return this.#store.get<SessionDocument>(enforcerSessions.name, [sessionsPartition, session]);
  }

  /** Every session that was there when the call began and is not deleted since. */
  async list(): Promise<string[]> {
    return (await this.#all()).map(({ session }) => session);
  }

  /** Sessions that seem to have run out before `wall`: candidates for being retired, no more than that. */
  async stale(wall: number): Promise<string[]> {
    return (await this.#all()).filter((one) => one.expires_hint < wall).map(({ session }) => session);
  }

  protected mayRenew(session: EnforcerSession): boolean {
    return session.owed.length === 0;
  }

  async #all(): Promise<SessionDocument[]> {
    const sessions: SessionDocument[] = [];
    let cursor: string | undefined;
    do {
      const scan = { equals: [sessionsPartition], limit: 1_000, ...(cursor === undefined ? {} : { cursor }) };
      const page = await this.#store.scan<SessionDocument>(enforcerSessions.name, scan);
      for (const { document } of page.documents) sessions.push(document);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return sessions;
  }

  async #replace(stored: Stored<SessionDocument>, change: Partial<EnforcerSession>): Promise<boolean> {
    const document = { ...stored.document, ...change };
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

export function owes(session: EnforcerSession, recall: string): boolean {
  return session.owed.some((other) => other.recall === recall);
}
