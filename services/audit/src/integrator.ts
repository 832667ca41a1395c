import { appendLeafHashes, leafHash, tilesOfGrowth } from "@wellapi/merkle";
import {
  type Clock,
  createPauses,
  type DamageReporter,
  type Logger,
  traceAttributes,
  traced,
} from "@wellapi/runtime";
import type { LogHealth } from "./log-health.ts";
import type { LogRepository, PendingLeaf, StoredTree } from "./log-repository.ts";
import type { Publication } from "./publication.ts";
import { keepFullTiles, type Tiles } from "./tiles.ts";
import { createTreeGuard } from "./tree-guard.ts";
import type { UsageRepository } from "./usage/usage-repository.ts";

/** Gives pending leaves their places in the log and publishes the log's growth. */
export interface Integrator {
  /** There may be something pending. */
  wake(): void;
  /** Resolves once all that was pending is integrated and published, or the integrator is closed. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Leaves of one commit. After a failure half as many are tried: a commit that takes too long would fail for ever. */
const MAX_BATCH = 2000;
const MIN_BATCH = 50;
const FIRST_BACKOFF_MS = 100;
/** The log may be late after an outage, but not for long. */
const LONGEST_BACKOFF_MS = 800;

export function createIntegrator(options: {
  readonly log: LogRepository;
  readonly publication: Publication;
  readonly health: LogHealth;
  readonly tiles: Tiles;
  /** Counts the entries by the commit that gives them their places. */
  readonly usage: Pick<UsageRepository, "changesOf">;
  readonly damage: DamageReporter;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly logger: Logger;
}): Integrator {
  const { log, publication, health, tiles, usage, damage, clock, everyMs, logger } = options;
  const guard = createTreeGuard(health, damage);
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;
  const pauses = createPauses();

  function wake(): void {
    again = true;
    if (running === undefined && !closed) running = run();
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (again && !closed) {
      again = false;
      const started = clock.monotonic();
      try {
        const full = await integrateBatch(Math.max(MIN_BATCH, MAX_BATCH >> Math.min(failures, 6)));
        failures = Math.max(0, failures - 1);
        if (full) again = true;
        else if (again) await wait(everyMs - (clock.monotonic() - started));
      } catch (error) {
        again = true;
        failures += 1;
        logger.error({ err: error, attempt: failures }, "leaves could not be integrated; trying again");
        await wait(Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1)));
      }
    }
    // In the same turn as the loop's last read of `again`, so that no wake is lost.
    running = undefined;
  }

  async function wait(milliseconds: number): Promise<void> {
    if (!closed && milliseconds > 0) await pauses.pause(milliseconds);
  }

  /**
   * True where there may be more. A commit that failed may have happened, so each batch starts from the stored state,
   * and a batch that was integrated but not yet published is published now.
   */
  async function integrateBatch(most: number): Promise<boolean> {
    if (!health.treeIsSound()) return false;
    const tree = await log.tree();
    if (!guard.isExpected(tree.frontier)) return false;
    const leaves = await log.pending(most);
    if (leaves.length === 0) {
      await publication.publish(tree.frontier);
      return false;
    }
    const attributes = { [traceAttributes.entries]: leaves.length };
    const work = { name: "integrate entries", attributes, causes: [] };
    return (await traced(work, () => integrate(tree, leaves))) || leaves.length === most;
  }

  /** True where another integrated meanwhile. */
  async function integrate(tree: StoredTree, leaves: readonly PendingLeaf[]): Promise<boolean> {
    const hashes = leaves.map(({ entry }) => leafHash(entry));
    const grown = appendLeafHashes(tree.frontier, hashes);
    const counts = await usage.changesOf(leaves);
    guard.expect(tree.frontier, grown);
    if (!(await log.integrate(tree, leaves, grown, counts))) return true;
    await publication.publish(grown);
    // Kept while their entries are surely whole: later damage then shows, and where.
    await keepFullTiles(tiles, tilesOfGrowth(tree.frontier.size, grown.size));
    return false;
  }

  return {
    wake,
    async settled() {
      wake();
      while (running !== undefined) await running;
    },
    async close() {
      closed = true;
      pauses.end();
      await running;
    },
  };
}
