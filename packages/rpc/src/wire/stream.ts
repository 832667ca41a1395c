/** What to do around a stream of messages. Every hook is optional. */
export interface StreamHooks<T> {
  /** Runs each pull, for example inside a context. */
  pull?(next: () => Promise<IteratorResult<T>>): Promise<IteratorResult<T>>;
  /** Translates the error that ends the stream. */
  error?(error: unknown): unknown;
  /** Once: at the end, after an error (already translated), or when the reader left. */
  end?(error: unknown): void;
}

/** The stream with hooks around it. Pulls one message at a time, so that back-pressure passes through. */
export function hookStream<T>(source: AsyncIterable<T>, hooks: StreamHooks<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<T> {
      const iterator = source[Symbol.asyncIterator]();
      let ended = false;
      const end = (error?: unknown): void => {
        if (ended) return;
        ended = true;
        hooks.end?.(error);
      };
      return {
        async next() {
          try {
            const next = () => iterator.next();
            const result = await (hooks.pull === undefined ? next() : hooks.pull(next));
            if (result.done === true) {
              end();
              return result;
            }
            return result;
          } catch (error) {
            const translated = hooks.error === undefined ? error : hooks.error(error);
            end(translated);
            throw translated;
          }
        },
        async return() {
          end();
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** The stream with each message mapped; an error of `map` ends it. */
export function mapStream<T, U>(source: AsyncIterable<T>, map: (message: T) => U): AsyncIterable<U> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<U> {
      const iterator = source[Symbol.asyncIterator]();
      return {
        async next() {
          const result = await iterator.next();
          return result.done === true ? result : { done: false, value: map(result.value) };
        },
        async return() {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/**
 * The stream, ended by throwing the signal's reason as soon as it aborts, also while a message is awaited. The
 * source is asked to return, but not waited for. One listener serves the whole stream.
 */
export function abortable<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<T> {
      const iterator = source[Symbol.asyncIterator]();
      let rejectPending: ((reason: unknown) => void) | undefined;
      const abandon = (): void => {
        rejectPending?.(signal.reason);
        iterator.return?.().catch(() => {}); // its own failure has no reader any more
      };
      const finish = (): void => signal.removeEventListener("abort", abandon);
      signal.addEventListener("abort", abandon, { once: true });
      if (signal.aborted) abandon();
      return {
        next() {
          if (signal.aborted) return Promise.reject(signal.reason);
          return new Promise((resolve, reject) => {
            rejectPending = reject;
            iterator.next().then(
              (result) => {
                if (result.done === true) finish();
                resolve(result);
              },
              (error: unknown) => {
                finish();
                reject(error);
              },
            );
          });
        },
        async return() {
          finish();
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** Runs once the signal aborts: at once where it has. */
export function onAbort(signal: AbortSignal, run: () => void): void {
  if (signal.aborted) run();
  else signal.addEventListener("abort", run, { once: true });
}

/** The promise, or the signal's reason if that aborts first. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** All messages of a stream that is known to be short. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** A stream of the items. */
export async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}
