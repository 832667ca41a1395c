/** The sending end of a stream: messages pushed now, taken in order by one consumer. */
export interface MessageQueue<T> extends AsyncIterable<T> {
  /** Ignored after `end`. */
  push(message: T): void;
  /** The consumer gets what was pushed before, then the end. Idempotent. */
  end(): void;
}

export function createMessageQueue<T>(): MessageQueue<T> {
  const messages: T[] = [];
  let ended = false;
  let wake: (() => void) | undefined;
  const signal = () => {
    wake?.();
    wake = undefined;
  };
  return {
    push(message) {
      if (ended) return;
      messages.push(message);
      signal();
    },
    end() {
      ended = true;
      signal();
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        while (messages.length > 0) yield messages.shift() as T;
        if (ended) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
