import type { DatabaseSync } from "node:sqlite";

/** So long nothing may have been asked: a stream under load leaves no such gap, a look every now and then does. */
const IDLE_MS = 50;
/** Free pages that are worth it; once begun, all are given back. */
const WORTH_PAGES = 64;
/** Pages a step: about a millisecond, and one fsync. What is asked meanwhile waits no longer. */
const STEP_PAGES = 64;

/**
 * Gives pages that deletes left free back to the file system while the store is idle: under load, what is written
 * next uses them. A file that was made before there was this keeps them until it is scrubbed.
 */
export interface Tidying {
  /** Something was asked. */
  touch(): void;
  /** What was written may have freed pages. */
  wrote(): void;
  /** For good: the database may be closed after it. */
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
      // A full or failing disk: whoever writes next is told.
      begun = false;
      return;
    }
    // A file without the pages' owners noted gives nothing back.
    const left = Number(database.prepare("PRAGMA freelist_count").get()?.freelist_count);
    if (left < free) later(0);
    else begun = false;
  };

  // What an earlier process left.
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
