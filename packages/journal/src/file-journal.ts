import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Clock, systemClock } from "@wellapi/runtime";
import { openSqliteStore, type StoreThread } from "@wellapi/store";
import { journalRepositoryCollections, openJournalRepository } from "./journal-repository.ts";
import type { JournalRepository } from "./port.ts";

/** A week longer than backups are kept, so that the last of them can still be restored. */
export const journalRetentionDays = 42;

const RESERVE_BYTES = 1024 * 1024;

export interface FileJournal extends JournalRepository {
  close(): Promise<void>;
}

/**
 * Opens the journal of a folder and creates the folder where it is missing. Put the folder on another disk than the
 * data, and leave it out of the data's backups. Throws StoreError `locked` where another process has the journal
 * open.
 */
export async function openFileJournal(options: {
  readonly folder: string;
  readonly clock?: Clock;
  readonly retentionDays?: number;
  /** As that of a store. */
  readonly thread?: StoreThread;
}): Promise<FileJournal> {
  const { folder, clock = systemClock, retentionDays = journalRetentionDays, thread = "own" } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const store = await openSqliteStore({
    path: join(folder, "journal.db"),
    thread,
    collections: journalRepositoryCollections,
    // A revocation is answered once the journal has it.
    reserve: { path: join(folder, "journal.room"), bytes: RESERVE_BYTES },
  });
  try {
    const repository = await openJournalRepository({ store, clock, retentionDays });
    return { ...repository, close: () => store.close() };
  } catch (error) {
    await store.close();
    throw error;
  }
}
