/** Thrown when some closers failed. `errors` holds one error for each; its message begins with the closer's name. */
export class ClosersError extends AggregateError {
  override readonly name = "ClosersError";
}

/**
 * A stack of what has to be closed. Every opened resource pushes its closer at once; a failure while opening
 * and an orderly shutdown both unwind it in reverse.
 */
export interface Closers {
  /** A closer that is pushed after closeAll began is also run before closeAll settles. */
  push(name: string, close: () => Promise<void> | void): void;
  /**
   * Closes everything, the last pushed first, one after the other. A closer that fails does not keep the others
   * from closing; ClosersError tells which failed. Calling it again gives the same promise.
   */
  closeAll(): Promise<void>;
  /**
   * Runs `open`; where it throws, closes everything pushed so far and throws the error of `open` (with the
   * closers' own errors as AggregateError, where closing failed as well).
   */
  guard<T>(open: () => Promise<T>): Promise<T>;
}

export function createClosers(): Closers {
  const stack: { name: string; close: () => Promise<void> | void }[] = [];
  let closing: Promise<void> | undefined;

  async function unwind(): Promise<void> {
    const errors: Error[] = [];
    for (let entry = stack.pop(); entry; entry = stack.pop()) {
      try {
        await entry.close();
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        errors.push(new Error(`${entry.name}: ${message}`, { cause }));
      }
    }
    if (errors.length > 0) {
      throw new ClosersError(errors, `could not close ${errors.map((error) => error.message).join("; ")}`);
    }
  }

  const closers: Closers = {
    push(name, close) {
      stack.push({ name, close });
    },
    closeAll() {
      closing ??= unwind();
      return closing;
    },
    async guard(open) {
      try {
        return await open();
      } catch (error) {
        try {
          await closers.closeAll();
        } catch (closeError) {
          const message = error instanceof Error ? error.message : String(error);
          throw new AggregateError([error, closeError], message, { cause: error });
        }
        throw error;
      }
    },
  };
  return closers;
}
