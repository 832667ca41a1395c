import { type CollectionDeclaration, type Document, type Store, StoreError, scanPages } from "@wellapi/store";
import { VaultError } from "./errors.ts";
import type { KeyUse, Kms } from "./port.ts";

export const KEYS_COLLECTION = "patient_keys";
/** The entry of a key that shows whether it lives. It carries no key material, so it can stay for ever. */
const HEAD = 0;
/** More versions than a key can have. */
const MAX_VERSIONS = 1000;
const INSTALLATION = "installation";

/** The vault's collections, for its store's declaration. Backups of data must leave them out. */
export const vaultCollections: readonly CollectionDeclaration[] = [
  { name: KEYS_COLLECTION, key: ["partition", "use", "version"], indexes: [] },
];

interface HeadDocument extends Document {
  readonly use: string;
  readonly version: typeof HEAD;
  readonly created: Date;
  /** Once set, the key is gone and stays gone. */
  readonly destroyed?: Date;
  /** Only in the installation's own entry: the master key that wraps. */
  readonly fingerprint?: Uint8Array;
}

interface WrappedDocument extends Document {
  readonly use: string;
  /** From 1. */
  readonly version: number;
  readonly wrapped: Uint8Array;
  readonly created: Date;
}

function isWrapped(document: HeadDocument | WrappedDocument): document is WrappedDocument {
  return document.version !== HEAD;
}

export interface WrappedKey {
  readonly version: number;
  readonly wrapped: Uint8Array;
}

/** Wrapped keys by partition and use. */
export interface KeyRepository {
  /** Versions in ascending order. Throws `no_key` or `destroyed`. */
  find(partition: string, use: KeyUse): Promise<readonly WrappedKey[]>;
  /** Stores version 1. Nothing changes where there is a key already; throws `destroyed` where there was one. */
  insert(partition: string, use: KeyUse, wrapped: Uint8Array, now: number): Promise<void>;
  /** Deletes all versions, marks the key as destroyed, and scrubs the store. Returns how many were deleted. */
  destroy(partition: string, use: KeyUse, now: number): Promise<number>;
  /** Returns the stored fingerprint of the master key; where there is none, stores the given one. */
  fingerprint(fingerprint: Uint8Array, now: number): Promise<Uint8Array>;
}

export function createKeyRepository(store: Store): KeyRepository {
  return {
    find: (partition, use) =>
      guard(async () => {
        const { head, keys } = await readKey(store, partition, use);
        if (head?.destroyed) throw destroyed();
        if (keys.length === 0) throw new VaultError("no_key", "the patient has no such key");
        return keys.map(({ version, wrapped }) => ({ version, wrapped }));
      }),
    insert: (partition, use, wrapped, now) =>
      guard(async () => {
        const created = new Date(now);
        const head: HeadDocument = { partition, use, version: HEAD, created };
        const key: WrappedDocument = { partition, use, version: 1, wrapped, created };
        const result = await store.commit({
          partition,
          changes: [
            { kind: "insert", collection: KEYS_COLLECTION, document: head },
            { kind: "insert", collection: KEYS_COLLECTION, document: key },
          ],
        });
        if (!result.committed && (await readKey(store, partition, use)).head?.destroyed) throw destroyed();
      }),
    destroy: (partition, use, now) =>
      guard(async () => {
        const count = await markDestroyed(store, partition, use, now);
        // Also when there was nothing left to delete: an earlier attempt may have stopped before its scrub.
        await store.scrub();
        return count;
      }),
    fingerprint: (fingerprint, now) =>
      guard(async () => {
        const key = [INSTALLATION, "fingerprint", HEAD] as const;
        // Reads first: a start on a full disk must not write.
        const known = (await store.get<HeadDocument>(KEYS_COLLECTION, key))?.document.fingerprint;
        if (known !== undefined) return known;
        const document: HeadDocument = {
          partition: INSTALLATION,
          use: "fingerprint",
          version: HEAD,
          created: new Date(now),
          fingerprint,
        };
        await store.commit({
          partition: INSTALLATION,
          changes: [{ kind: "insert", collection: KEYS_COLLECTION, document }],
        });
        return (await store.get<HeadDocument>(KEYS_COLLECTION, key))?.document.fingerprint ?? fingerprint;
      }),
  };
}

async function readKey(store: Store, partition: string, use: KeyUse) {
  const { documents } = await store.scan<HeadDocument | WrappedDocument>(KEYS_COLLECTION, {
    equals: [partition, use],
    limit: MAX_VERSIONS,
  });
  const head = documents.find(({ document }) => document.version === HEAD);
  const keys = documents.map(({ document }) => document).filter(isWrapped);
  return { revision: head?.revision, head: head?.document as HeadDocument | undefined, keys };
}

async function markDestroyed(store: Store, partition: string, use: KeyUse, now: number): Promise<number> {
  for (;;) {
    const { revision, head, keys } = await readKey(store, partition, use);
    if (head?.destroyed) return 0;
    const at = new Date(now);
    const document: HeadDocument = {
      partition,
      use,
      version: HEAD,
      created: head?.created ?? at,
      destroyed: at,
    };
    const result = await store.commit({
      partition,
      changes: [
        // The head changes with every change of the key, so it guards the whole of it.
        revision === undefined
          ? { kind: "insert", collection: KEYS_COLLECTION, document }
          : { kind: "replace", collection: KEYS_COLLECTION, document, ifRevision: revision },
        ...keys.map(({ version }) => ({
          kind: "delete" as const,
          collection: KEYS_COLLECTION,
          key: [partition, use, version],
        })),
      ],
    });
    if (result.committed) return keys.length;
  }
}

/** How many keys are wrapped at once: they share commits. */
const AT_ONCE = 256;

/** Rewraps the keys that an older master key has wrapped. No other process may write meanwhile. */
export async function rewrapKeys(store: Store, kms: Kms): Promise<number> {
  let count = 0;
  const scan = { equals: [], limit: AT_ONCE };
  for await (const page of scanPages<HeadDocument | WrappedDocument>(store, KEYS_COLLECTION, scan)) {
    const done = await Promise.all(
      page.documents.map(async ({ document, revision }) => {
        if (!isWrapped(document)) return 0;
        const { partition, use, version } = document;
        const wrapped = await kms.rewrap(document.wrapped, wrapContext(partition, use as KeyUse, version));
        if (wrapped === undefined) return 0;
        const change = { kind: "replace", collection: KEYS_COLLECTION, ifRevision: revision } as const;
        const { committed } = await store.commit({
          partition,
          changes: [{ ...change, document: { ...document, wrapped } }],
        });
        if (!committed) throw new VaultError("unavailable", "a key has changed meanwhile: try again");
        return 1;
      }),
    );
    count += done.reduce<number>((sum, one) => sum + one, 0);
  }
  return count;
}

/** A wrapped key that is copied to another patient, use or version does not unwrap. */
export function wrapContext(partition: string, use: KeyUse, version: number): string {
  return JSON.stringify([partition, use, version]);
}

function destroyed(): VaultError {
  return new VaultError("destroyed", "the patient's key was destroyed");
}

/** Turns errors of the store into the vault's own. */
async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    const code = cause.code === "invalid" || cause.code === "damaged" ? cause.code : "unavailable";
    throw new VaultError(code, `the store of keys failed: ${cause.message}`, { cause });
  }
}
