import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A process that the launcher started and has to end. */
export interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  /** Resolves when the process has ended, for any reason: the exit code, or the signal's name. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** Ends it by its pid: SIGTERM, and SIGKILL after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts a program in a separate process group: Ctrl-C then reaches the launcher alone, which ends its children in
 * order. Its standard input is a pipe to which nothing is written: the pipe ends with the launcher, even after SIGKILL,
 * and `wellapi serve --attached` then stops.
 */
export function startChild(options: {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly stderr: "inherit" | "ignore" | number;
}): Child {
  const { name, command, args, stderr, ...others } = options;
  const child = spawn(command, args, { ...others, stdio: ["pipe", "pipe", stderr], detached: true });
  const ended = Promise.race([
    once(child, "exit").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null),
    once(child, "error").then(() => null),
  ]);
  let over = false;
  ended.then(() => {
    over = true;
  });
  return {
    name,
    process: child,
    ended,
    async stop(graceMs) {
      if (over) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** A foreign server does not watch the pipe: a shell beside it ends it after the launcher has ended. */
const keeper = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(cat <&3 >/dev/null; kill -TERM $server 2>/dev/null) &
exec 3<&-
trap 'kill -TERM $server 2>/dev/null' TERM
wait $server
code=$?
# A trapped signal ends the wait before the server has ended.
while kill -0 $server 2>/dev/null; do wait $server; code=$?; done
exit $code
`;

/** `startChild` for a foreign program. */
export function startServer(
  options: Omit<Parameters<typeof startChild>[0], "stderr"> & { readonly stderr: "inherit" | "ignore" },
): Child {
  const { command, args, ...others } = options;
  const child = startChild({ ...others, command: "sh", args: ["-c", keeper, "sh", command, ...args] });
  child.process.stdout?.resume();
  return child;
}
