/** Where text goes. */
export interface Sink extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * What a command reads and writes besides files and the exchange, and the exit code of its process. `main.ts` passes
 * those of the process; a test passes its own, and runs a command without a process.
 */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<string | Uint8Array>;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /**
   * From the first call on, Ctrl-C aborts the signal and does not end the process: for commands that end on an
   * abort.
   */
  interrupted(): AbortSignal;
  /** The exit code. If a command throws, its error decides the code (`failure.ts`). */
  exitCode: number;
}

/** The I/O of the process. Only this file and `main.ts` use `process`. */
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
