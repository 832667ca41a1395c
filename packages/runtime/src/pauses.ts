/** Pauses of one loop, which others may end early. One at a time. */
export interface Pauses {
  /** Resolves after so long, or when `end` is called. */
  pause(milliseconds: number): Promise<void>;
  end(): void;
}

export function createPauses(): Pauses {
  let endPause: (() => void) | undefined;
  return {
    pause(milliseconds) {
      return new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer);
          endPause = undefined;
          resolve();
        };
        const timer = setTimeout(end, milliseconds);
        endPause = end;
      });
    },
    end: () => endPause?.(),
  };
}
