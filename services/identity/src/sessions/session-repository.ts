import type { Clock, Logger } from "@wellapi/runtime";
import type { Change, Document, Store } from "@wellapi/store";
import { accountPartition } from "../accounts/account.ts";
import { collections } from "../collections.ts";
import { digestOf, sameText } from "../secret.ts";
import { openSweep } from "../sweep.ts";
import { readCredential, type Session } from "./session.ts";

type SessionDocument = Document & Session & { readonly digest: string };

/** Sessions, each in its account's partition. One that ends is deleted. */
export interface SessionRepository {
  /** Belongs to the commit that signs in. */
  insertion(session: Session, secret: string): Change;
  /** The session of a credential; undefined where there is none, or its secret is wrong. */
  findByCredential(credential: string): Promise<Session | undefined>;
  /** For who has proved before that it is theirs. */
  findById(id: string): Promise<Session | undefined>;
  /** Newest first; also those that have ended by time and are not deleted yet. */
  list(account: string): Promise<readonly Session[]>;
  /** Belongs to a commit in the account's partition. */
  deletion(session: Session): Change;
  /** Best effort: of two that are written at once, one stays. */
  touch(session: Session, now: number): Promise<void>;
  close(): Promise<void>;
}

const MOST_LISTED = 1_000;

export async function openSessionRepository(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<SessionRepository> {
  const { store } = options;
  const { sessions: collection } = collections;
  const sweeping = await openSweep({ ...options, collection, keptMs: 0 });
  const byId = async (id: string) =>
    (await store.scan<SessionDocument>(collection, { index: "id", equals: [id], limit: 1 })).documents[0]
      ?.document;

  return {
    insertion: (session, secret) => ({
      kind: "insert",
      collection,
      document: {
        ...session,
        partition: accountPartition(session.account),
        digest: digestOf(secret),
      } satisfies SessionDocument,
    }),
    async findByCredential(credential) {
      const shown = readCredential(credential);
      if (shown === undefined) return undefined;
      const found = await byId(shown.id);
      if (found === undefined || !sameText(found.digest, digestOf(shown.secret))) return undefined;
      return toSession(found);
    },
    async findById(id) {
      const found = await byId(id);
      return found && toSession(found);
    },
    async list(account) {
      const { documents } = await store.scan<SessionDocument>(collection, {
        equals: [accountPartition(account)],
        limit: MOST_LISTED,
      });
      const sessions = documents.map(({ document }) => toSession(document));
      return sessions.sort((a, b) => b.createTime - a.createTime);
    },
    deletion: ({ account, id }) => ({ kind: "delete", collection, key: [accountPartition(account), id] }),
    async touch({ account, id }, now) {
      const stored = await store.get<SessionDocument>(collection, [accountPartition(account), id]);
      if (stored === undefined) return;
      const document = { ...stored.document, lastUseTime: now };
      await store.commit({
        partition: document.partition,
        changes: [{ kind: "replace", collection, document, ifRevision: stored.revision }],
      });
    },
    close: () => sweeping.close(),
  };
}

function toSession({ partition: _, digest: __, ...session }: SessionDocument): Session {
  return session;
}
