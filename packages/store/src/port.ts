/**
 * A value that may stand in a key or in an index. Numbers are safe integers, strings are well-formed. Order:
 * numbers, then strings by code point, then booleans.
 */
export type IndexValue = string | number | boolean;

/**
 * A document as services see it: BSON types (string, finite number, boolean, null, Date, Uint8Array,
 * array, nested document), 16 MiB at most. Undefined fields are dropped. Field names that begin with `$`, and
 * top-level ones that begin with `_`, are reserved. Every document carries its `partition`: for patient data `<region>/<patient>`.
 */
export type Document = { readonly partition: string } & { readonly [field: string]: unknown };

/**
 * An index over top-level fields. A scan gives equality on a prefix and a range on the next field. A document
 * that lacks one of the fields, or has null there, is not in the index: unique indexes allow any number of them.
 */
export interface IndexDeclaration {
  readonly name: string;
  readonly fields: readonly string[];
  /** Unique across all partitions unless the first field is `partition`. */
  readonly unique?: boolean;
}

/** A collection: its name (lower_snake), its key (the first field is `partition`) and its indexes. */
export interface CollectionDeclaration {
  readonly name: string;
  readonly key: readonly ["partition", ...string[]];
  readonly indexes: readonly IndexDeclaration[];
  /**
   * Default 1. Raise it with every change of the indexes, and with every change of the documents that an older
   * program would misread: a program refuses to open a store with a higher version.
   */
  readonly version?: number;
}

/** A document with the revision that a guarded replace or delete names. Revisions start at 1. */
export interface Stored<D extends Document = Document> {
  readonly document: D;
  readonly revision: number;
}

export type Change =
  | { readonly kind: "insert"; readonly collection: string; readonly document: Document }
  | {
      readonly kind: "replace";
      readonly collection: string;
      readonly document: Document;
      /** Unless the stored document has this revision, the change is refused as a conflict. */
      readonly ifRevision: number;
    }
  | {
      readonly kind: "delete";
      readonly collection: string;
      readonly key: readonly IndexValue[];
      /** Without it the delete always succeeds, also where nothing is stored under the key. */
      readonly ifRevision?: number;
    };

/** An event that leaves from the outbox, committed with the data. It carries references, no health data. */
export interface OutboxEvent {
  /** Unique for ever; consumers are idempotent by it. */
  readonly id: string;
  /** Dot-separated subject without identifiers of people, e.g. `records.batch.committed`. */
  readonly subject: string;
  /** Protobuf bytes. */
  readonly data: Uint8Array;
  /** CloudEvents attributes and W3C trace context. */
  readonly headers: Readonly<Record<string, string>>;
}

/** An outbox entry with its position; positions grow in commit order within a partition. */
export interface OutboxEntry {
  readonly position: number;
  readonly partition: string;
  readonly event: OutboxEvent;
}

export interface Commit {
  /** Every document of the commit lies in this partition. */
  readonly partition: string;
  readonly changes: readonly Change[];
  readonly events?: readonly OutboxEvent[];
  /**
   * The commit may use the room that the store has set aside for a full disk: for what must go on there, such as a
   * revocation. Without effect where the engine, or this store, has set none aside.
   */
  readonly useReserve?: boolean;
}

/**
 * `duplicate`: an insert or a unique index met an existing document. `conflict`: a guard did not hold.
 * `change` is the index in `changes` of the first that was refused. Nothing of the commit is stored.
 */
export type CommitResult =
  | { readonly committed: true }
  | {
      readonly committed: false;
      readonly reason: "duplicate" | "conflict";
      readonly change: number;
      /** The unique index with the existing value, or `key`. Given for `duplicate`. */
      readonly index?: string;
    };

export interface Scan {
  /** A declared index; without it the collection's key. */
  readonly index?: string;
  /** Equality on the index's first fields, in its order. */
  readonly equals: readonly IndexValue[];
  /**
   * A half-open range on the field after those: from <= value < to. `after` is an exclusive lower bound. The
   * bounds are of one type, and the range holds values of that type only.
   */
  readonly range?: { readonly from?: IndexValue; readonly after?: IndexValue; readonly to?: IndexValue };
  readonly order?: "ascending" | "descending";
  /** 1 to 10,000 documents. */
  readonly limit: number;
  /** From an earlier page of the same scan, whose limit alone may differ. Not authenticated: holds index values. */
  readonly cursor?: string;
}

export interface Page<D extends Document = Document> {
  readonly documents: ReadonlyArray<Stored<D>>;
  /** Where the next page starts; absent at the end. */
  readonly cursor?: string;
}

/**
 * Collections of documents that scale out by construction. All methods throw `StoreError`.
 *
 * Ordering: commits of one partition are totally ordered; a read that starts after a commit resolved sees it
 * (linearizable by key). Atomicity: a commit is all or nothing. Durability: `commit` resolves once the data
 * is on disk (SQLite: fsync; MongoDB: `w:majority, j:true`). If it rejects with `unavailable`, the commit may
 * or may not have happened; callers make their changes idempotent by unique keys.
 */
export interface Store {
  commit(commit: Commit): Promise<CommitResult>;
  /** `key` in the declared order, partition first. */
  get<D extends Document>(collection: string, key: readonly IndexValue[]): Promise<Stored<D> | undefined>;
  /** Documents in index order; ties are broken by key, in the scan's direction. A page is a snapshot, several pages are not. */
  scan<D extends Document>(collection: string, scan: Scan): Promise<Page<D>>;
  /** The oldest entries of the outbox, at most `limit`. */
  readOutbox(limit: number): Promise<readonly OutboxEntry[]>;
  /** Removes delivered entries. Positions that are gone already are ignored. */
  deleteOutbox(positions: readonly number[]): Promise<void>;
  /**
   * About how many documents a collection holds, or, without a name, how many events wait in the outbox: for
   * operators. SQLite walks an index for it, so ask for collections that are emptied, not for those that grow.
   */
  count(collection?: string): Promise<number>;
  /**
   * Resolves once no file of the store holds the bytes of a document deleted or replaced before the call. It may
   * rewrite the whole store and delay other calls meanwhile.
   */
  scrub(): Promise<void>;
  /** Waits for commits under way, then lets go of the files. Idempotent. */
  close(): Promise<void>;
}
