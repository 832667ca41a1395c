/** Hooks around a stream of messages. Every hook is optional. */
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

/** All messages of a short stream. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** A stream of the items. */
export async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}
