import { createLoop, type Logger } from "@wellapi/runtime";

/** Tells others of what was kept: at once, and until it was told. */
export interface Telling<T> {
  /** Never throws: what could not be told is told later. */
  tell(kept: T): Promise<void>;
  /** Throws what `tellOnce` throws; it is told later, too. */
  tellNow(kept: T): Promise<void>;
  close(): Promise<void>;
}

const everyMs = 15_000;
const atOnce = 100;

/**
 * Tells at once what a stopped replica left untold. Two replicas may tell the same twice.
 *
 * @param tellOnce resolves once it was told and is noted as told
 * @param failed the line of the log where it could not be told
 */
export function openTelling<T>(deps: {
  readonly untold: (limit: number) => Promise<readonly T[]>;
  readonly tellOnce: (kept: T) => Promise<void>;
  readonly failed: string;
  readonly log: Logger;
}): Telling<T> {
  const { untold, tellOnce, failed, log } = deps;
  const onError = (err: unknown) => log.warn({ err }, failed);
  const loop = createLoop({
    everyMs,
    atOnce: true,
    async work(signal) {
      for (const kept of await untold(atOnce)) {
        if (signal.aborted) return;
        await tellOnce(kept);
      }
    },
    onError,
  });
  return {
    tell: (kept) => tellOnce(kept).catch(onError),
    async tellNow(kept) {
      try {
        await tellOnce(kept);
      } catch (error) {
        onError(error);
        throw error;
      }
    },
    close: () => loop.close(),
  };
}
