/** After so long without a pull an iteration releases what it holds. */
const RELEASE_AFTER_MS = 500;

/** An iteration for a reader that may pause for long. */
export interface Pausable<T> {
  /** Undefined at the end. */
  next(): Promise<T | undefined>;
  /** Ends it early. */
  close(): void;
}

/**
 * Iterates `open()`. When the reader takes nothing for a while, the iteration is dropped with all that it holds (opened
 * blocks, pages of documents), and opened again at the next pull: `open` begins where the reader is then.
 */
export function createPausable<T>(
  open: () => AsyncGenerator<T>,
  releaseAfterMs = RELEASE_AFTER_MS,
): Pausable<T> {
  let source: AsyncGenerator<T> | undefined;
  let timer: NodeJS.Timeout | undefined;

  function release(): void {
    clearTimeout(timer);
    const dropped = source;
    source = undefined;
    dropped?.return(undefined).catch(() => {}); // Its failure has no reader.
  }

  return {
    async next() {
      clearTimeout(timer);
      source ??= open();
      const { done, value } = await source.next();
      if (done === true) return undefined;
      timer = setTimeout(release, releaseAfterMs).unref();
      return value;
    },
    close: release,
  };
}
