import { decodeFrontier, EMPTY_FRONTIER, encodeFrontier, type Frontier } from "@wellapi/merkle";
import {
  type Change,
  type CollectionDeclaration,
  type Document,
  type Store,
  scanPages,
} from "@wellapi/store";
import { LOG_PARTITION } from "./access.ts";
import { startRefused } from "./errors.ts";

const LEAVES = "log_leaves";
const ENTRIES = "log_entries";
const STATE = "log_state";

export const logCollections: readonly CollectionDeclaration[] = [
  // One document for each leaf id, for ever: so a repeated leaf changes nothing.
  {
    name: LEAVES,
    key: ["partition", "id"],
    indexes: [{ name: "pending", fields: ["partition", "pendingSince"] }],
  },
  { name: ENTRIES, key: ["partition", "index"], indexes: [] },
  { name: STATE, key: ["partition", "name"], indexes: [] },
];

/** Pending until it has an index; the entry then moves to the entries. */
type LeafDocument = Document & {
  readonly id: string;
  readonly pendingSince?: number;
  readonly entry?: Uint8Array;
  /** What it adds to the usage, sealed (usage/). */
  readonly counted?: Uint8Array | undefined;
  readonly index?: number;
};
type EntryDocument = Document & { readonly index: number; readonly entry: Uint8Array };
type TreeDocument = Document & { readonly frontier: Uint8Array };
type KeyDocument = Document & { readonly wrapped: Uint8Array };
type SuccessionsDocument = Document & { readonly successions: readonly StoredSuccession[] };

/** A key that replaced the one before. */
export interface StoredSuccession {
  /** Signed by both. */
  readonly note: string;
  /** The key's seed, wrapped by the KMS. */
  readonly wrapped: Uint8Array;
}

export interface PendingLeaf {
  readonly id: string;
  /** 32 bytes each, in the published form. */
  readonly entry: Uint8Array;
  readonly counted: Uint8Array | undefined;
  readonly revision: number;
}

/** The tree with the revision that its next growth replaces; 0 where nothing is stored yet. */
export interface StoredTree {
  readonly frontier: Frontier;
  readonly revision: number;
}

/** Entries, the tree over them, and which leaf became which entry. */
export interface LogRepository {
  /** Durable when it resolves. Known ids stay as they are. */
  addPending(
    leaves: ReadonlyArray<Pick<PendingLeaf, "id" | "entry" | "counted">>,
    now: number,
  ): Promise<void>;
  /** The leaves that have waited longest. */
  pending(limit: number): Promise<readonly PendingLeaf[]>;
  tree(): Promise<StoredTree>;
  /** Gives the leaves the next indexes, with changes that go with them, all or nothing. False where the tree has changed meanwhile. */
  integrate(
    tree: StoredTree,
    leaves: readonly PendingLeaf[],
    grown: Frontier,
    also: readonly Change[],
  ): Promise<boolean>;
  /** Undefined while the leaf is pending or unknown. */
  indexOf(id: string): Promise<number | undefined>;
  /** Entries [start, end). Throws `tree_damaged` if one is missing. */
  entries(start: number, end: number): Promise<readonly Uint8Array[]>;
  /** Which leaf became which entry, a page at a time, in no order of the log. */
  places(): AsyncGenerator<ReadonlyArray<{ readonly id: string; readonly index: number }>>;
  /** Puts back the bytes of an entry that is damaged or missing. */
  restoreEntry(index: number, entry: Uint8Array): Promise<void>;
  /** Puts a tree in the place of one that is damaged. */
  restoreTree(tree: Frontier): Promise<void>;
  /** The signing key's wrapped seed, if one was made. */
  signingKey(): Promise<Uint8Array | undefined>;
  /** Stores the first one; returns the stored one. */
  addSigningKey(wrapped: Uint8Array): Promise<Uint8Array>;
  /** Oldest first. */
  successions(): Promise<readonly StoredSuccession[]>;
  /** All of them. */
  setKeys(keys: {
    readonly first: Uint8Array;
    readonly successions: readonly StoredSuccession[];
  }): Promise<void>;
}

export function createLogRepository(store: Store): LogRepository {
  const partition = LOG_PARTITION;

  async function signingKey(): Promise<Uint8Array | undefined> {
    return (await store.get<KeyDocument>(STATE, [partition, "signing_key"]))?.document.wrapped;
  }

  return {
    async addPending(leaves, now) {
      for (let rest = leaves; rest.length > 0; rest = await unknownOf(store, rest)) {
        const changes = rest.map(({ id, entry, counted }): Change => {
          const document: LeafDocument = { partition, id, pendingSince: now, entry, counted };
          return { kind: "insert", collection: LEAVES, document };
        });
        if ((await store.commit({ partition, changes })).committed) return;
      }
    },
    async pending(limit) {
      const range = { from: 0 };
      const page = await store.scan<LeafDocument>(LEAVES, {
        index: "pending",
        equals: [partition],
        range,
        limit,
      });
      return page.documents.map(({ document, revision }) => {
        return { id: document.id, entry: document.entry!, counted: document.counted, revision };
      });
    },
    async tree() {
      const stored = await store.get<TreeDocument>(STATE, [partition, "tree"]);
      if (stored === undefined) return { frontier: EMPTY_FRONTIER, revision: 0 };
      return { frontier: decodeFrontier(stored.document.frontier), revision: stored.revision };
    },
    async integrate({ frontier, revision }, leaves, grown, also) {
      const tree: TreeDocument = { partition, name: "tree", frontier: encodeFrontier(grown) };
      const changes: Change[] = [
        revision === 0
          ? { kind: "insert", collection: STATE, document: tree }
          : { kind: "replace", collection: STATE, document: tree, ifRevision: revision },
      ];
      for (const [i, { entry }] of leaves.entries()) {
        const document: EntryDocument = { partition, index: frontier.size + i, entry };
        changes.push({ kind: "insert", collection: ENTRIES, document });
      }
      for (const [i, { id, revision: ifRevision }] of leaves.entries()) {
        const document: LeafDocument = { partition, id, index: frontier.size + i };
        changes.push({ kind: "replace", collection: LEAVES, document, ifRevision });
      }
      changes.push(...also);
      return (await store.commit({ partition, changes })).committed;
    },
    async indexOf(id) {
      return (await store.get<LeafDocument>(LEAVES, [partition, id]))?.document.index;
    },
    entries: (start, end) => entriesOf(store, start, end),
    places: () => placesOf(store),
    restoreEntry: (index, entry) => putBack(store, ENTRIES, [index], { partition, index, entry }),
    restoreTree: (tree) =>
      putBack(store, STATE, ["tree"], { partition, name: "tree", frontier: encodeFrontier(tree) }),
    signingKey,
    async addSigningKey(wrapped) {
      const document: KeyDocument = { partition, name: "signing_key", wrapped };
      await store.commit({ partition, changes: [{ kind: "insert", collection: STATE, document }] });
      return (await signingKey()) ?? wrapped;
    },
    async successions() {
      const stored = await store.get<SuccessionsDocument>(STATE, [partition, "successions"]);
      return stored?.document.successions ?? [];
    },
    async setKeys({ first, successions }) {
      const keys: KeyDocument & { name: string } = { partition, name: "signing_key", wrapped: first };
      const others: SuccessionsDocument & { name: string } = { partition, name: "successions", successions };
      const changes = await Promise.all(
        [keys, others].map(async (document): Promise<Change> => {
          const before = await store.get(STATE, [partition, document.name]);
          if (before === undefined) return { kind: "insert", collection: STATE, document };
          return { kind: "replace", collection: STATE, document, ifRevision: before.revision };
        }),
      );
      const { committed } = await store.commit({ partition, changes });
      if (!committed) throw startRefused("two_writers", "another process writes to this log: stop it");
    },
  };
}

/** Those that are not stored. */
async function unknownOf<L extends { readonly id: string }>(
  store: Store,
  leaves: readonly L[],
): Promise<readonly L[]> {
  const found = await Promise.all(leaves.map(({ id }) => store.get(LEAVES, [LOG_PARTITION, id])));
  return leaves.filter((_, i) => found[i] === undefined);
}

/** Deletes first: a document that does not decode has no revision that a replacement could name. */
async function putBack(store: Store, collection: string, key: (string | number)[], document: Document) {
  const partition = LOG_PARTITION;
  const remove: Change = { kind: "delete", collection, key: [partition, ...key] };
  await store.commit({ partition, changes: [remove, { kind: "insert", collection, document }] });
}

async function* placesOf(store: Store) {
  const scan = { equals: [LOG_PARTITION], limit: 1_000 };
  for await (const { documents } of scanPages<LeafDocument>(store, LEAVES, scan)) {
    yield documents.flatMap(({ document: { id, index } }) => (index === undefined ? [] : [{ id, index }]));
  }
}

/** Throws `tree_damaged` where one is missing. */
async function entriesOf(store: Store, start: number, end: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  while (start + entries.length < end) {
    const from = start + entries.length;
    const page = await store.scan<EntryDocument>(ENTRIES, {
      equals: [LOG_PARTITION],
      range: { from, to: end },
      limit: Math.min(end - from, 10_000),
    });
    for (const { document } of page.documents) {
      if (document.index !== start + entries.length) break;
      entries.push(document.entry);
    }
    if (start + entries.length === from)
      throw startRefused("tree_damaged", `entry ${from} of the log is missing in the store`);
  }
  return entries;
}
