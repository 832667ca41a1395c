import { StoreError } from "./errors.ts";
import { scanPages } from "./pages.ts";
import type { Change, CollectionDeclaration, Document, Store, Stored } from "./port.ts";

/** A note for each migration that has begun to change documents, or is done. A service that migrates documents declares it. */
export const documentMigrations: CollectionDeclaration = {
  name: "document_migrations",
  key: ["partition", "migration"],
  indexes: [],
};

interface Note extends Document {
  readonly migration: string;
  /** `begun`: the old form may lie in the files, even where no document has it any more. */
  readonly state: "begun" | "done";
}

const PARTITION = "migrations";

/** How many documents are read at once; those of one partition are one commit. */
const DOCUMENTS_AT_ONCE = 256;

export interface DocumentMigration {
  readonly store: Store;
  /** Never changes: the note that it is done has this name. */
  readonly name: string;
  readonly collections: readonly CollectionDeclaration[];
  /** Changes some documents of one partition to their new form; leaves out those that have it already. */
  change(
    collection: CollectionDeclaration,
    partition: string,
    documents: readonly Stored[],
  ): Promise<readonly Change[]>;
  /**
   * Something keeps its old form, because of damage, or because the files could not be scrubbed of it. The next start tries
   * again; until then the service must read both forms.
   */
  onIncomplete(error: unknown): void;
}

export interface Migrated {
  /** How many documents this run changed. */
  readonly changed: number;
  /** False where documents have kept their old form, because of damage. */
  readonly whole: boolean;
}

/**
 * Brings stored documents to a new form, once, before their service serves. Each commit changes documents of one partition,
 * under their revisions; after a crash at any moment the next run goes on, and several processes may run it at once. At last
 * the files are scrubbed of the old form, where the engine can, and it is noted that the migration is done. Throws StoreError,
 * and what `change` throws.
 */
export async function migrateDocuments(migration: DocumentMigration): Promise<Migrated> {
  const { store, collections } = migration;
  const state = await noted(migration);
  if (state === "done") return { changed: 0, whole: true };
  const run: Run = { ...migration, begun: state === "begun" ? Promise.resolve() : undefined };
  let changed = 0;
  let whole = true;
  for (const collection of collections) {
    for (let conflict = true; conflict; ) {
      const pass = await changeAll(run, collection);
      changed += pass.changed;
      whole &&= pass.whole;
      conflict = pass.conflict;
    }
  }
  if (whole && (run.begun === undefined || (await scrubbed(store, migration)))) await note(migration, "done");
  return { changed, whole };
}

interface Run extends DocumentMigration {
  /** Resolves once it is noted that documents are changed; undefined where none was found. */
  begun: Promise<void> | undefined;
}

async function noted({ store, name }: DocumentMigration): Promise<Note["state"] | undefined> {
  return (await store.get<Note>(documentMigrations.name, [PARTITION, name]))?.document.state;
}

/** Where another process was faster, its note stands: it says the same, or more. */
async function note({ store, name }: DocumentMigration, state: Note["state"]): Promise<void> {
  const before = await store.get<Note>(documentMigrations.name, [PARTITION, name]);
  if (before !== undefined && state === "begun") return;
  const document: Note = { partition: PARTITION, migration: name, state };
  const change = { collection: documentMigrations.name, document } as const;
  const changes = [
    before === undefined
      ? ({ kind: "insert", ...change } as const)
      : ({ kind: "replace", ...change, ifRevision: before.revision } as const),
  ];
  await store.commit({ partition: PARTITION, changes });
}

/** `conflict`: another process changed some of the documents meanwhile, so they have to be looked at again. */
async function changeAll(run: Run, collection: CollectionDeclaration) {
  const { store, change, onIncomplete } = run;
  const outcome = { changed: 0, conflict: false, whole: true };
  const unlessDamaged = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!isDamage(error)) throw error;
      outcome.whole = false;
      onIncomplete(error);
    }
  };
  const changeSome = async (partition: string, documents: readonly Stored[]) => {
    const changes = await change(collection, partition, documents);
    if (changes.length === 0) return;
    run.begun ??= note(run, "begun");
    await run.begun;
    const { committed } = await store.commit({ partition, changes });
    if (committed) outcome.changed += changes.length;
    else outcome.conflict = true;
  };
  await unlessDamaged(async () => {
    const scan = { equals: [], limit: DOCUMENTS_AT_ONCE };
    for await (const { documents } of scanPages<Document>(store, collection.name, scan)) {
      const byPartition = Map.groupBy(documents, ({ document }) => document.partition);
      const some = [...byPartition].map(([partition, those]) =>
        unlessDamaged(() => changeSome(partition, those)),
      );
      await Promise.all(some);
    }
  });
  return outcome;
}

/** Of the store, or of what `change` uses: the ports' errors have this code in common. */
function isDamage(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "damaged";
}

async function scrubbed(store: Store, { onIncomplete }: DocumentMigration): Promise<boolean> {
  try {
    await store.scrub();
    return true;
  } catch (error) {
    // MongoDB cannot: the operator of its members does it.
    if (error instanceof StoreError && error.code === "invalid") return true;
    onIncomplete(error);
    return false;
  }
}
