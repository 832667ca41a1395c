import { setTimeout as sleep } from "node:timers/promises";
import type { Enforcer } from "@wellapi/enforcer";
import type { Logger } from "@wellapi/runtime";
import { createPass, type PassDeps } from "./compaction-pass.ts";
import { createCompactionRepository, Overtaken } from "./compaction-repository.ts";

export interface CompactorDeps extends PassDeps {
  /** Keys may be used under its live session only. */
  readonly enforcer: Pick<Enforcer, "ready">;
  readonly log: Logger;
}

/** Compaction in the background. */
export interface Compactor {
  /** How long the oldest uncompacted block has waited, in milliseconds; 0 without one. */
  waitingMs(): Promise<number>;
  close(): Promise<void>;
}

const PATIENTS_A_LOOK = 100;
/** How often it looks for due blocks, as a fraction of the time after which blocks are due. */
const LOOKS = 10;
const MAX_LOOK_MS = 30_000;

/**
 * Merges the blocks of a series that arrived at least `afterMs` ago into large ones, one patient after another. It
 * rests as long as it has worked, and holds a patient's queue only for its commits. Each commit replaces the head
 * under its guard, and deletes the merged blocks under theirs: blocks that another commit has changed meanwhile are
 * tried again later. It may stop at any point, because it notes only finished work.
 */
export function openCompactor(deps: CompactorDeps, afterMs: number): Compactor {
  const { store, queue, enforcer, clock, log } = deps;
  const closing = new AbortController();
  const { signal } = closing;
  const repository = createCompactionRepository(store, queue);
  const pass = createPass(deps, signal);

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await enforcer.ready(signal);
      try {
        for (const { partition } of await repository.due(clock.now() - afterMs, PATIENTS_A_LOOK)) {
          await pass(partition).catch((error: unknown) => {
            if (signal.aborted || error instanceof Overtaken) return;
            log.warn({ err: error }, "a patient's blocks were not compacted; tried again later");
          });
          signal.throwIfAborted();
        }
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error }, "what is to be compacted could not be listed");
      }
      await sleep(Math.min(MAX_LOOK_MS, afterMs / LOOKS), undefined, { signal });
    }
  }

  const running = run().catch((error: unknown) => {
    if (!signal.aborted) log.error({ err: error }, "compaction has ended");
  });

  return {
    async waitingMs() {
      const [oldest] = await repository.due(clock.now(), 1);
      return Math.max(0, clock.now() - (oldest?.loose_since_ms ?? clock.now()));
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}
