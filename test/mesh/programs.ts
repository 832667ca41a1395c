/** Starts programs in the laboratory's namespaces, and remembers how each ended. */
import { type ChildProcess, execFileSync, type StdioOptions, spawn } from "node:child_process";
import { chmodSync, openSync } from "node:fs";

export interface Program {
  /** In this network namespace; undefined: in the hub's, outside the mesh. */
  readonly pod?: string | undefined;
  /** User and group; undefined: root. */
  readonly uid?: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Gets what it writes. */
  readonly log: string;
  /** A channel of messages with this process (`process.send`). */
  readonly ipc?: boolean;
}

/** What ended although nobody ended it: the laboratory then proves nothing. */
export const ended: string[] = [];

export function start(name: string, program: Program): ChildProcess {
  const { pod, uid, command, args, env, cwd, log } = program;
  const out = openSync(log, "a");
  // Envoy opens /dev/stdout anew, as the user that it runs as; the umask of this process doesn't count.
  chmodSync(log, 0o666);
  const whole = [...(pod ? ["ip", "netns", "exec", pod] : []), ...asUser(uid), command, ...args];
  const stdio: StdioOptions = program.ipc ? ["ignore", out, out, "ipc"] : ["ignore", out, out];
  const child = spawn(whole[0]!, whole.slice(1), {
    cwd,
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio,
    serialization: "advanced", // bytes stay bytes
  });
  child.once("error", (cause) => ended.push(`${name} did not start: ${cause.message}`));
  child.once("exit", (code, signal) => ended.push(`${name} ended (${signal ?? code}); see ${log}`));
  return child;
}

function asUser(uid: number | undefined): readonly string[] {
  if (uid === undefined) return [];
  return ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--no-new-privs", "--"];
}

/** Runs a command to its end. Throws with what it wrote to its standard error. */
export function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"] });
}
