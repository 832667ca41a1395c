import type { Timers } from "@wellapi/enforcer";
import type { Change, CollectionDeclaration, Document, Store, Stored } from "@wellapi/store";

/** All sessions lie in one partition, so that one commit opens or deletes some of them and changes their list. */
export const sessionsPartition = "sessions";

/** One document: the list of all sessions. */
export const sessionLists: CollectionDeclaration = {
  name: "enforcer_session_lists",
  key: ["partition"],
  indexes: [],
};

type ListDocument = Document & { readonly sessions: readonly string[] };

/** A session that is to be opened (an insert) or deleted (a guarded delete). */
export interface ListedChange {
  readonly session: string;
  /** Called again for each try. Resolves with the change of the session's own document; undefined: nothing is to be done any more. */
  prepare(): Promise<Extract<Change, { kind: "insert" | "delete" }> | undefined>;
}

interface Waiting extends ListedChange {
  settle(done: boolean): void;
  fail(error: unknown): void;
}

/** In one commit at most. */
const mostTogether = 50;
/** Waited for a commit before the next one begins beside it: its connection may be dead, while others are not. */
const longestTurnMs = 1_500;
const mostUnderWay = 4;

/**
 * The list of sessions, which each opening and each deletion changes. Those that come while a commit is under way go
 * together in the next one. Were each a commit of its own, n of them would refuse each other n² times: where the store is
 * slow, openings take longer than their enforcers wait, which begin again, and whose sessions have to be deleted; so it
 * would stay slow for ever.
 */
export class SessionList {
  readonly #store: Store;
  readonly #timers: Timers;
  readonly #openings: Waiting[] = [];
  readonly #deletions: Waiting[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #working = false;

  constructor(store: Store, timers: Timers) {
    this.#store = store;
    this.#timers = timers;
  }

  /** Linearizable. Throws StoreError. */
  async read(): Promise<readonly string[]> {
    return (await this.#listed())?.document.sessions ?? [];
  }

  /** False where nothing was to be done any more. Throws StoreError; Error where the session's id is taken. */
  open(change: ListedChange): Promise<boolean> {
    return this.#wait(this.#openings, change);
  }

  /** As `open`. A session that is changed meanwhile is asked for again. */
  delete(change: ListedChange): Promise<boolean> {
    return this.#wait(this.#deletions, change);
  }

  #wait(queue: Waiting[], change: ListedChange): Promise<boolean> {
    return new Promise((settle, fail) => {
      queue.push({ session: change.session, prepare: () => change.prepare(), settle, fail });
      void this.#work();
    });
  }

  /** Openings first: somebody waits for them. */
  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    while (this.#openings.length + this.#deletions.length > 0) {
      if (this.#openings.length > 0) await this.#turn(this.#openings);
      if (this.#deletions.length > 0) await this.#turn(this.#deletions);
    }
    this.#working = false;
  }

  async #turn(queue: Waiting[]): Promise<void> {
    const batch = queue.splice(0, mostTogether);
    const commit: Promise<void> = this.#commit(batch).finally(() => this.#underWay.delete(commit));
    this.#underWay.add(commit);
    await this.#forAWhile(commit);
    while (this.#underWay.size >= mostUnderWay) await Promise.race(this.#underWay);
  }

  #forAWhile(commit: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#timers.after(longestTurnMs, resolve);
      commit.then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Settles each of the batch, or puts it back. Never rejects. */
  async #commit(batch: readonly Waiting[]): Promise<void> {
    let left = batch;
    try {
      while (left.length > 0) left = await this.#attempt(left);
    } catch (error) {
      for (const waiting of left) waiting.fail(error);
    }
  }

  /** One try. Resolves with those that need another one. */
  async #attempt(batch: readonly Waiting[]): Promise<readonly Waiting[]> {
    const listed = await this.#listed();
    const prepared = await Promise.all(
      batch.map(async (waiting) => ({ waiting, change: await waiting.prepare() })),
    );
    const left: Waiting[] = [];
    const changes: Change[] = [];
    const sessions = new Set(listed?.document.sessions);
    const taken = new Set<string>();
    for (const { waiting, change } of prepared) {
      if (change === undefined) {
        waiting.settle(false);
        continue;
      }
      // A commit changes a document once.
      if (taken.has(waiting.session)) {
        this.#putBack(waiting, change.kind);
        continue;
      }
      taken.add(waiting.session);
      left.push(waiting);
      changes.push(change);
      if (change.kind === "insert") sessions.add(waiting.session);
      else sessions.delete(waiting.session);
    }
    if (left.length === 0) return [];
    changes.push(listChange(listed, [...sessions]));
    const result = await this.#store.commit({ partition: sessionsPartition, changes });
    if (result.committed) {
      for (const waiting of left) waiting.settle(true);
      return [];
    }
    const refused = left[result.change];
    // Another replica changed the list since it was read.
    if (refused === undefined) return left;
    // The others do not wait for one that was changed since it was read.
    if (changes[result.change]!.kind === "delete") this.#putBack(refused, "delete");
    else refused.fail(new Error(`the session id ${refused.session} was given twice`));
    return left.filter((waiting) => waiting !== refused);
  }

  #putBack(waiting: Waiting, kind: "insert" | "delete"): void {
    (kind === "insert" ? this.#openings : this.#deletions).push(waiting);
    void this.#work();
  }

  #listed(): Promise<Stored<ListDocument> | undefined> {
    return this.#store.get<ListDocument>(sessionLists.name, [sessionsPartition]);
  }
}

/** Refused where another writer changed the list since it was read. */
function listChange(listed: Stored<ListDocument> | undefined, sessions: readonly string[]): Change {
  const document = { partition: sessionsPartition, sessions };
  if (listed === undefined) return { kind: "insert", collection: sessionLists.name, document };
  return { kind: "replace", collection: sessionLists.name, document, ifRevision: listed.revision };
}
