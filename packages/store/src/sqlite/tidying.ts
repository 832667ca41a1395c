import type { DatabaseSync } from "node:sqlite";

/** How long the store must be idle: a stream under load leaves no such gap, occasional reads do. */
const IDLE_MS = 50;
/** Free pages that are worth a run; a run gives all of them back. */
const WORTH_PAGES = 64;
/** Pages of one step: about a millisecond, and one fsync. A request meanwhile waits no longer than that. */
const STEP_PAGES = 64;

/**
 * Gives pages that deletes freed back to the file system while the store is idle; under load, the next writes use
 * them. A file that an older version created without page owners keeps its free pages until it is scrubbed.
 */
export interface Tidying {
  /** A request came. */
  touch(): void;
  /** A write may have freed pages. */
  wrote(): void;
  /** Stops for good: the database may be closed after it. */
  stop(): void;
}

export function createTidying(database: DatabaseSync): Tidying {
  let timer: NodeJS.Timeout | undefined;
  let begun = false;
  let stopped = false;

  const later = (ms: number) => {
    clearTimeout(timer);
    if (stopped) return;
    timer = setTimeout(step, ms);
  };

  const step = () => {
    const free = Number(database.prepare("PRAGMA freelist_count").get()?.freelist_count);
    begun = free >= (begun ? 1 : WORTH_PAGES);
    timer = undefined;
    if (!begun) return;
    try {
      database.exec(`PRAGMA incremental_vacuum(${STEP_PAGES})`);
    } catch {
      // A full or failing disk: the next write reports it.
      begun = false;
      return;
    }
    // A file without the pages' owners noted gives nothing back.
    const left = Number(database.prepare("PRAGMA freelist_count").get()?.freelist_count);
    if (left < free) later(0);
    else begun = false;
  };

  // Pages that an earlier process left free.
  later(IDLE_MS);

  return {
    touch() {
      if (timer !== undefined) later(IDLE_MS);
    },
    wrote() {
      later(IDLE_MS);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
