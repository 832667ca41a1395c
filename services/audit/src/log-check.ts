import { type LogDamage, scanLog, type Unlocated } from "@wellapi/log-verifier";
import { type Frontier, tilesOfGrowth } from "@wellapi/merkle";
import { createLoop, createPauses, type DamageReporter, type Logger } from "@wellapi/runtime";
import type { AccessRepository } from "./access-repository.ts";
import { entriesOf } from "./log-entries.ts";
import type { LogHealth } from "./log-health.ts";
import { locateDamage } from "./log-locate.ts";
import type { LogRepository } from "./log-repository.ts";
import { keepFullTiles, type Tiles } from "./tiles.ts";

/** Compares every stored entry with the tree: at the start, each day, and where a reader met a difference. */
export interface LogCheck {
  /** One check now. `paced`: it takes at most half of the time, and reads one tile at once. */
  run(paced: boolean): Promise<void>;
  /** Checks in the background from now on, at first `atOnce` or after a day. */
  keepChecking(atOnce: boolean): void;
  /** A reader met a difference: the next check comes now. */
  wake(): void;
  close(): Promise<void>;
}

type EntryDamage = Exclude<LogDamage, { kind: "tile" }>;

const DAY_MS = 86_400_000;

export function createLogCheck(options: {
  readonly log: LogRepository;
  readonly accesses: AccessRepository;
  readonly tiles: Tiles;
  readonly health: LogHealth;
  readonly damage: DamageReporter;
  readonly logger: Logger;
  /** The tree to compare with. */
  readonly tree: () => Promise<Frontier>;
  /** Called after each check. */
  readonly onChecked: () => Promise<void>;
}): LogCheck {
  const { log, accesses, tiles, health, damage, logger, tree, onChecked } = options;
  const pauses = createPauses();
  const closing = new AbortController();
  let loop: ReturnType<typeof createLoop> | undefined;

  async function run(paced: boolean): Promise<void> {
    const pace = createPace(paced ? pauses.pause : undefined);
    const { found, ranges } = await collect(
      scanLog({
        entries: (start, end) => entriesOf(log, start, end),
        tree: await tree(),
        keptTile: tiles.kept,
      }),
      pace,
    );
    for (const range of ranges) {
      found.push(...(await located({ log, accesses, keptTile: tiles.kept }, range, pace)));
    }
    if (closing.signal.aborted) return;
    const damages: EntryDamage[] = [];
    for (const one of found) {
      if (one.kind !== "tile") damages.push(one);
      else {
        await tiles.discard(one.level, one.index);
        logger.warn(
          { file: `tile/${one.level}/${one.index}` },
          "a file of the log's tiles was damaged, and is made again",
        );
      }
    }
    health.setDamages(damages);
    for (const one of damages) report(one);
    // So that a later damage of an entry shows, and where.
    await keepFullTiles(tiles, tilesOfGrowth(0, (await tree()).size), pace);
    await onChecked();
  }

  async function collect(steps: ReturnType<typeof scanLog>, pace: () => Promise<void>) {
    const found: LogDamage[] = [];
    const ranges: Unlocated[] = [];
    for await (const step of steps) {
      if (closing.signal.aborted) break;
      if (step.kind === "progress") await pace();
      else if (step.kind === "range") ranges.push(step);
      else found.push(step);
    }
    return { found, ranges };
  }

  function report(one: EntryDamage): void {
    const [start, end] = one.kind === "entry" ? [one.index, one.index + 1] : [one.start, one.end];
    const which = end - start === 1 ? `entry ${start}` : `one of the entries ${start} to ${end - 1}`;
    const document = ["log", end - start === 1 ? String(start) : `${start}-${end - 1}`];
    const what = `${which} of the log is not the one that the tree commits to`;
    damage.report({ collection: "log_entries", document, what }, undefined);
  }

  return {
    run,
    keepChecking(atOnce) {
      loop = createLoop({
        everyMs: DAY_MS,
        atOnce,
        work: () => run(true),
        onError: (err) =>
          logger.error({ err }, "the log could not be compared with its tree; trying again in a day"),
      });
    },
    wake: () => loop?.wake(),
    async close() {
      closing.abort();
      pauses.end();
      await loop?.close();
    },
  };
}

async function located(
  options: Parameters<typeof locateDamage>[0],
  range: Unlocated,
  pace: () => Promise<void>,
): Promise<LogDamage[]> {
  const damages: LogDamage[] = [];
  for await (const step of locateDamage(options, range)) {
    if (step.kind === "progress") await pace();
    else damages.push(step);
  }
  return damages;
}

/** A pause after each step, as long as the step took: other work gets half of the time at least. */
function createPace(pause: ((milliseconds: number) => Promise<void>) | undefined): () => Promise<void> {
  if (pause === undefined) return async () => {};
  let since = performance.now();
  return async () => {
    await pause(Math.max(1, performance.now() - since));
    since = performance.now();
  };
}
