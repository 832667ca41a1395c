import { type Checkpoint, type Frontier, MerkleError } from "@wellapi/merkle";
import type { DamageReporter, Logger } from "@wellapi/runtime";
import type { AccessRepository } from "./access-repository.ts";
import { startRefused } from "./errors.ts";
import { createLogCheck, type LogCheck } from "./log-check.ts";
import { createLogHealth, type LogHealth } from "./log-health.ts";
import type { LogRepository } from "./log-repository.ts";
import { behindPublished, confirmTree, publishedTree } from "./start-check.ts";
import { createTiles, type Tiles } from "./tiles.ts";

/** The tree as it is stored; undefined where it cannot be read. */
export async function storedTree(log: Pick<LogRepository, "tree">): Promise<Frontier | undefined> {
  try {
    return (await log.tree()).frontier;
  } catch (error) {
    if (error instanceof MerkleError) return undefined;
    throw error;
  }
}

/** In place of a tree that cannot be read: of the size that was published, and good for nothing else. */
export function placeholderTree(published: Checkpoint | undefined): Frontier {
  if (published === undefined)
    throw startRefused(
      "tree_damaged",
      "the stored tree of the log cannot be read, and nothing was published from which it could be made again: restore a backup of audit.db (docs/operations.md, Restore)",
    );
  return { size: published.size, hashes: [] };
}

export interface CheckedLog {
  readonly tiles: Tiles;
  readonly health: LogHealth;
  readonly check: LogCheck;
}

/**
 * Opens the log and decides whether its tree is sound. Damage does not end the start: what needs a damaged entry is
 * refused, and where nothing confirms the tree, the log takes no entries and signs nothing. Throws `behind_checkpoint` where
 * the log is whole, and is another one than what was published. `onSound` is called where a check that came later than the
 * start has confirmed the tree.
 */
export async function openCheckedLog(options: {
  readonly log: LogRepository;
  readonly accesses: AccessRepository;
  readonly directory: string;
  /** Undefined where it cannot be read. */
  readonly stored: Frontier | undefined;
  readonly published: Checkpoint | undefined;
  /** A log of up to so many entries is checked before this resolves, a larger one in the background. */
  readonly checkedAtStart: number;
  readonly damage: DamageReporter;
  readonly logger: Logger;
  readonly onSound: () => void;
}): Promise<CheckedLog> {
  const { log, accesses, directory, stored, published, damage, logger, onSound } = options;
  const health = createLogHealth();
  const tiles = createTiles({
    directory,
    entries: log.entries,
    health,
    onDifference: () => check.wake(),
    onCacheFailure: (error) => logger.warn({ err: error }, "a tile could not be cached"),
  });
  /** The tree that the entries lead to, where it is the published one and the stored one is not. */
  const rebuilt = await rebuiltTree(stored, published, tiles);
  let undecided = false;
  const check = createLogCheck({
    log,
    accesses,
    tiles,
    health,
    damage,
    logger,
    tree: async () => rebuilt ?? (await log.tree()).frontier,
    async onChecked() {
      tellRemedy();
      if (!undecided || stored === undefined) return;
      undecided = false;
      if ((await confirmTree(stored, published, tiles)) !== "confirmed") return tellTree();
      health.setTreeSound(true);
      onSound();
    },
  });

  if (stored === undefined || rebuilt !== undefined) {
    health.setTreeSound(false);
    tellTree();
    if (rebuilt !== undefined) await check.run(false);
    return { tiles, health, check };
  }
  const small = stored.size <= options.checkedAtStart;
  if (small) await check.run(false);
  let verdict = await confirmTree(stored, published, tiles);
  if (verdict === "behind") {
    if (!health.checked()) await check.run(false);
    if (health.damages().length === 0) throw behindPublished(published!);
    verdict = "unconfirmed";
  }
  if (verdict === "unconfirmed") {
    health.setTreeSound(false);
    if (health.checked()) tellTree();
    else undecided = true;
  }
  check.keepChecking(!health.checked());
  return { tiles, health, check };

  function tellTree(): void {
    const what = "nothing confirms the stored tree of the log: it takes no entries, and signs nothing";
    damage.report({ collection: "log_state", document: ["log", "tree"], what }, undefined);
    tellRemedy();
  }

  function tellRemedy(): void {
    if (health.damages().length === 0 && health.treeIsSound()) return;
    logger.error(
      { reason: "LOG_DAMAGED" },
      "the log is damaged: stop the exchange and run `wellapi audit repair` (docs/operations.md, Damage)",
    );
  }
}

async function rebuiltTree(
  stored: Frontier | undefined,
  published: Checkpoint | undefined,
  tiles: Tiles,
): Promise<Frontier | undefined> {
  if (published === undefined) return undefined;
  if (stored !== undefined) {
    if (stored.size !== published.size) return undefined;
    if ((await confirmTree(stored, published, tiles)) === "confirmed") return undefined;
  }
  return publishedTree(published, tiles);
}
