import {
  type Change,
  type CollectionDeclaration,
  type Commit,
  type CommitResult,
  type Document,
  type IndexValue,
  type Scan,
  type Store,
  type Stored,
  StoreError,
} from "@wellapi/store";
import type { Node, World } from "./world.ts";

/**
 * The documents of all replicas, outliving each. Linearizable: a call takes effect at one instant between its
 * start and its answer. The engines proper run in threads and processes of their own, whose speed no test can
 * decide; the store's contract suite is what they are held to.
 */
export class SharedDocuments {
  readonly #collections: readonly CollectionDeclaration[];
  readonly #documents = new Map<string, Stored>();
  /** True while every call fails. */
  failing = false;

  constructor(collections: readonly CollectionDeclaration[]) {
    this.#collections = collections;
  }

  commit({ changes }: Commit): CommitResult {
    for (const [i, change] of changes.entries()) {
      const refusal = this.#refusal(change);
      if (refusal) return { committed: false, change: i, ...refusal };
    }
    for (const change of changes) this.#apply(change);
    return { committed: true };
  }

  get(collection: string, key: readonly IndexValue[]): Stored | undefined {
    return this.#documents.get(JSON.stringify([collection, ...key]));
  }

  scan(collection: string, scan: Scan): Stored[] {
    const { key, indexes } = this.#declaration(collection);
    const fields = scan.index ? indexes.find(({ name }) => name === scan.index)!.fields : key;
    const found = this.#all(collection).filter(({ document }) =>
      scan.equals.every((value, i) => document[fields[i]!] === value),
    );
    return found.slice(0, scan.limit);
  }

  #refusal(change: Change): { reason: "duplicate" | "conflict"; index?: string } | undefined {
    if (change.kind === "delete") {
      const stored = this.get(change.collection, change.key);
      const holds = change.ifRevision === undefined || stored?.revision === change.ifRevision;
      return holds ? undefined : { reason: "conflict" };
    }
    const { key, indexes } = this.#declaration(change.collection);
    const stored = this.get(change.collection, keyOf(change.document, key));
    if (change.kind === "replace")
      return stored?.revision === change.ifRevision ? undefined : { reason: "conflict" };
    if (stored) return { reason: "duplicate", index: "key" };
    for (const { name, fields, unique } of indexes) {
      const same = ({ document }: Stored) =>
        fields.every((field) => document[field] === change.document[field]);
      if (unique && this.#all(change.collection).some(same)) return { reason: "duplicate", index: name };
    }
    return undefined;
  }

  #apply(change: Change): void {
    if (change.kind === "delete") {
      this.#documents.delete(JSON.stringify([change.collection, ...change.key]));
      return;
    }
    const key = keyOf(change.document, this.#declaration(change.collection).key);
    const revision = (this.get(change.collection, key)?.revision ?? 0) + 1;
    this.#documents.set(JSON.stringify([change.collection, ...key]), { document: change.document, revision });
  }

  #all(collection: string): Stored[] {
    const prefix = `[${JSON.stringify(collection)},`;
    return [...this.#documents].filter(([key]) => key.startsWith(prefix)).map(([, stored]) => stored);
  }

  #declaration(collection: string): CollectionDeclaration {
    return this.#collections.find(({ name }) => name === collection)!;
  }
}

function keyOf(document: Document, key: readonly string[]): IndexValue[] {
  return key.map((field) => document[field] as IndexValue);
}

/** A store that is always well, and answers in the next turn. */
export function createMemoryStore(collections: readonly CollectionDeclaration[]): Store {
  return storeOver(new SharedDocuments(collections), async (effect) => effect());
}

/** The store as one replica reaches it: slow at times, failing at times, before or after it took effect. */
export function createNodeStore(
  world: World,
  node: Node,
  shared: SharedDocuments,
  faulty: () => boolean,
): Store {
  const call = async <T>(effect: () => T): Promise<T> => {
    const { chance } = world;
    const delay = () => (faulty() && chance.happens(0.05) ? chance.between(50, 400) : chance.between(0, 3));
    const fails = faulty() && chance.happens(0.02);
    const afterwards = chance.happens(0.5);
    const outcome = await new Promise<{ value: T } | undefined>((resolve) => {
      // The store is another machine: it goes on while the replica sleeps or dies.
      world.after(delay(), () => {
        if (shared.failing || (fails && !afterwards)) return resolve(undefined);
        const value = effect();
        resolve(fails ? undefined : { value });
      });
    });
    return node.settle(delay(), () => {
      if (!outcome) throw new StoreError("unavailable", "the store failed");
      return outcome.value;
    });
  };
  return storeOver(shared, call);
}

function storeOver(shared: SharedDocuments, call: <T>(effect: () => T) => Promise<T>): Store {
  return {
    commit: (commit) => call(() => shared.commit(commit)),
    get: <D extends Document>(collection: string, key: readonly IndexValue[]) =>
      call(() => shared.get(collection, key) as Stored<D> | undefined),
    scan: <D extends Document>(collection: string, scan: Scan) =>
      call(() => ({ documents: shared.scan(collection, scan) as Stored<D>[] })),
    readOutbox: () => Promise.resolve([]),
    deleteOutbox: () => Promise.resolve(),
    count: () => Promise.resolve(0),
    scrub: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
