import { createLoop, type Logger, type Loop } from "@wellapi/runtime";

const PRUNE_EVERY_MS = 3_600_000;

/** Removes every hour what is kept no longer: `prune` some of it, until there is no more or the service closes. */
export function createPruning(options: {
  /** Resolves to whether there may be more. */
  readonly prune: (now: number) => Promise<boolean>;
  /** For the log line of a failure: `old events`. */
  readonly what: string;
  readonly clock: { now(): number };
  readonly log: Logger;
  readonly closing: AbortSignal;
}): Loop {
  const { prune, what, clock, log, closing } = options;
  return createLoop({
    everyMs: PRUNE_EVERY_MS,
    async work() {
      while ((await prune(clock.now())) && !closing.aborted);
    },
    onError: (err) => log.warn({ err }, `${what} could not be removed; trying again`),
  });
}
