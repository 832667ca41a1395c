export { collect, each, hookStream, type StreamHooks } from "@wellapi/grpc-client";

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
        iterator.return?.().catch(() => {}); // its own failure has no reader
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
                rejectPending = undefined; // It would hold the message until the next pull.
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

/** Runs once the signal aborts; at once if it already has. Returns how to stop waiting for it. */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) run();
  else signal.addEventListener("abort", run, { once: true });
  return () => signal.removeEventListener("abort", run);
}

/** The promise, or the signal's reason if that aborts first. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    const leave = (): void => signal.removeEventListener("abort", abort);
    promise.then(
      (value) => {
        leave();
        resolve(value);
      },
      (error: unknown) => {
        leave();
        reject(error);
      },
    );
  });
}
