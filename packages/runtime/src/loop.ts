/** Work in the background that is done again and again, never twice at once. */
export interface Loop {
  /** Runs once more as soon as the run under way is over, without waiting for the interval. */
  wake(): void;
  /** Starts no run any more, and resolves once the one under way is over. */
  close(): Promise<void>;
}

/**
 * Runs `work` every `everyMs`, counted from the end of the run before, at first after `everyMs` or, with `atOnce`, now. A run that
 * fails is reported to `onError`, and the next one comes as if it had not failed. The timer does not keep the process alive.
 */
export function createLoop(options: {
  readonly everyMs: number;
  readonly atOnce?: boolean;
  readonly work: (signal: AbortSignal) => Promise<void> | void;
  readonly onError: (error: unknown) => void;
}): Loop {
  const { everyMs, work, onError } = options;
  const closing = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;

  function schedule(ms: number): void {
    clearTimeout(timer);
    timer = setTimeout(start, ms);
    timer.unref();
  }

  function start(): void {
    clearTimeout(timer);
    again = false;
    running = run().finally(() => {
      running = undefined;
      if (!closing.signal.aborted) schedule(again ? 0 : everyMs);
    });
  }

  async function run(): Promise<void> {
    try {
      await work(closing.signal);
    } catch (error) {
      if (!closing.signal.aborted) onError(error);
    }
  }

  if (options.atOnce) start();
  else schedule(everyMs);
  return {
    wake() {
      if (closing.signal.aborted) return;
      if (running === undefined) start();
      else again = true;
    },
    async close() {
      closing.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
