import { type LogDamage, type ScanOptions, scanLog, type Unlocated } from "@wellapi/log-verifier";
import { type Checkpoint, type Frontier, frontierRoot, leafHash, readFrontier } from "@wellapi/merkle";
import type { Store } from "@wellapi/store";
import type { Kms } from "@wellapi/vault";
import { createAccessRepository } from "./access-repository.ts";
import { placeholderTree, storedTree } from "./checked-log.ts";
import { AuditError } from "./errors.ts";
import { entriesOf } from "./log-entries.ts";
import { createLogHealth } from "./log-health.ts";
import { locateDamage } from "./log-locate.ts";
import { createLogRepository, type LogRepository } from "./log-repository.ts";
import { readPublished } from "./read-published.ts";
import { publishedTree } from "./start-check.ts";
import { createTiles } from "./tiles.ts";

export interface LogRepair {
  /** Entries that were put back. */
  readonly repaired: readonly number[];
  /** Whether the stored tree was made again. */
  readonly tree: boolean;
  /** Damage of entries that no copy could mend. */
  readonly left: ReadonlyArray<{ readonly start: number; readonly end: number }>;
}

export interface RepairOptions {
  /** Declares `auditCollections`; nobody else has it open. */
  readonly store: Store;
  readonly kms: Kms;
  readonly trustDomain: string;
  readonly directory: string;
  readonly publishedDirectory: string;
  /** Copies of entries from a backup or a mirror. They need not be trusted: only what the tree commits to is taken. */
  readonly elsewhere?: ScanOptions["entries"];
}

/**
 * Puts back damaged entries of a stopped log, from the accesses' own copies and from elsewhere, and makes a damaged tree
 * again where the entries lead to the published one. Each entry that is written has the hash that the tree commits to, so
 * a wrong copy changes nothing.
 */
export async function repairLog(options: RepairOptions): Promise<LogRepair> {
  const { store, elsewhere } = options;
  const log = createLogRepository(store);
  const accesses = createAccessRepository(store);
  const tiles = createTiles({
    directory: options.directory,
    entries: log.entries,
    health: createLogHealth(),
    onDifference: () => {},
    onCacheFailure: () => {},
  });
  const stored = await storedTree(log);
  const published = await readPublished({ ...options, log });
  const rebuilt = await treeToRestore(stored, published, tiles);
  if (rebuilt !== undefined) await log.restoreTree(rebuilt);

  const damages: LogDamage[] = [];
  const parts = { log, accesses, keptTile: tiles.kept, ...(elsewhere && { elsewhere }) };
  const tree = rebuilt ?? stored ?? placeholderTree(published);
  if (tree.hashes.length === 0 && tree.size > 0) {
    return { repaired: [], tree: false, left: [{ start: 0, end: tree.size }] };
  }
  for await (const step of scanLog({ ...parts, entries: (from, to) => entriesOf(log, from, to), tree })) {
    if (step.kind === "range") damages.push(...(await located(parts, step)));
    else if (step.kind === "tile") await tiles.discard(step.level, step.index);
    else if (step.kind === "entry") damages.push(step);
  }
  const own = await ownCopies(log, accesses, damages);
  const repaired: number[] = [];
  const left: { start: number; end: number }[] = [];
  for (const one of damages) {
    if (one.kind === "tile") await tiles.discard(one.level, one.index);
    if (one.kind === "range") left.push({ start: one.start, end: one.end });
    if (one.kind !== "entry") continue;
    const copies = [own.get(one.index), ...((await elsewhere?.(one.index, one.index + 1)) ?? [])];
    const right = copies.find((copy) => copy && Buffer.compare(leafHash(copy), one.leafHash) === 0);
    if (right === undefined) left.push({ start: one.index, end: one.index + 1 });
    else {
      await log.restoreEntry(one.index, right);
      repaired.push(one.index);
    }
  }
  return { repaired, tree: rebuilt !== undefined, left };
}

/** The published tree, where the entries lead to it and what is stored is another one of its size, or cannot be read. */
async function treeToRestore(
  stored: Frontier | undefined,
  published: Checkpoint | undefined,
  tiles: Parameters<typeof publishedTree>[1],
): Promise<Frontier | undefined> {
  if (published === undefined) return undefined;
  if (stored !== undefined) {
    if (stored.size !== published.size) return undefined;
    if (Buffer.compare(frontierRoot(stored), published.root) === 0) return undefined;
    // The entries lead to what is stored: it is another log than the published one, and no damage.
    if (await leadTo(stored, tiles)) return undefined;
  }
  return publishedTree(published, tiles);
}

async function leadTo(tree: Frontier, tiles: Parameters<typeof publishedTree>[1]): Promise<boolean> {
  try {
    const read = await readFrontier(tree.size, tiles.hashes);
    return Buffer.compare(frontierRoot(read), frontierRoot(tree)) === 0;
  } catch (error) {
    if (error instanceof AuditError && error.code === "log_damaged") return false;
    throw error;
  }
}

async function located(parts: Parameters<typeof locateDamage>[0], range: Unlocated): Promise<LogDamage[]> {
  const damages: LogDamage[] = [];
  for await (const step of locateDamage(parts, range)) if (step.kind !== "progress") damages.push(step);
  return damages;
}

/** The entries that the accesses of damaged places keep. */
async function ownCopies(
  log: LogRepository,
  accesses: ReturnType<typeof createAccessRepository>,
  damages: readonly LogDamage[],
): Promise<ReadonlyMap<number, Uint8Array>> {
  const wanted = new Set(damages.flatMap((one) => (one.kind === "entry" ? [one.index] : [])));
  const copies = new Map<number, Uint8Array>();
  if (wanted.size === 0) return copies;
  for await (const page of log.places()) {
    for (const { id, index } of page) {
      if (!wanted.has(index)) continue;
      const access = await accesses.find(id).catch(() => undefined);
      if (access !== undefined) copies.set(index, access.commitment);
    }
  }
  return copies;
}
