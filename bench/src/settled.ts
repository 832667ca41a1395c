import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { usageOf } from "./process-usage.ts";
import { assertRun } from "./result.ts";
import type { World } from "./world.ts";

/** Makes a server compact at once what is usually left for half an hour. */
export const compactSoon = { WELLAPI_COMPACT_AFTER_MS: "1000" };

const patienceMs = 300_000;
const lookEveryMs = 1_000;
/** Of one core: a server that uses less has nothing to compact. */
const idleShare = 0.1;
/** Fewer free pages are left to be used again. */
const fewPages = 64;

/**
 * Resolves once everything is compacted and the file has given back what that left free. The server alone may open its
 * file, so it is stopped for a look, once it is idle: a start costs it more than what it still had to do.
 */
export async function settled(world: Pick<World, "server" | "dataDir" | "restart" | "stop">): Promise<void> {
  for (const since = performance.now(); ; ) {
    await idle(world);
    await world.stop();
    const done = isSettled(join(world.dataDir, "records.db"));
    await world.restart();
    if (done) return;
    assertRun(performance.now() - since < patienceMs, "compaction ends within five minutes");
  }
}

/** Resolves after the second look in a row that finds the server idle. */
async function idle(world: Pick<World, "server">): Promise<void> {
  const { pid } = world.server;
  let { cpuSeconds } = usageOf(pid);
  for (let looks = 0, since = performance.now(); looks < 2 && performance.now() - since < patienceMs; ) {
    await sleep(lookEveryMs);
    const now = usageOf(pid).cpuSeconds;
    looks = now - cpuSeconds < (idleShare * lookEveryMs) / 1_000 ? looks + 1 : 0;
    cpuSeconds = now;
  }
}

function isSettled(file: string): boolean {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const waiting = database
      .prepare("SELECT 1 FROM c_heads WHERE f_loose_since_ms IS NOT NULL LIMIT 1")
      .get();
    return waiting === undefined && freePages(database) < fewPages;
  } finally {
    database.close();
  }
}

function freePages(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA freelist_count").get()?.freelist_count);
}

/** Bytes of a closed SQLite file that nothing uses. */
export function freeBytes(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return freePages(database) * Number(database.prepare("PRAGMA page_size").get()?.page_size);
  } finally {
    database.close();
  }
}
