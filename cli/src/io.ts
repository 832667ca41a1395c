/** Where text goes. */
export interface Sink extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * What a command reads and writes besides files and the exchange, and how its process ends. `main.ts` gives the process's
 * own; a test gives its own, and runs a command without a process.
 */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<string | Uint8Array>;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /**
   * From the first call on, Ctrl-C aborts the signal instead of ending the process: for commands that then end by
   * themselves.
   */
  interrupted(): AbortSignal;
  /** What the process ends with. A command that throws decides by its error (`failure.ts`). */
  exitCode: number;
}

/** The process's own. Nothing but this and `main.ts` touches the process. */
export function processIo(): Io {
  let stop: AbortController | undefined;
  return {
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    interrupted() {
      if (stop === undefined) {
        const controller = new AbortController();
        process.once("SIGINT", () => controller.abort());
        stop = controller;
      }
      return stop.signal;
    },
    exitCode: 0,
  };
}
