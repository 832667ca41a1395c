import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Tool } from "../../scripts/tools.ts";

/** A server that is not ours, which a test may ill-treat: the same port and data at each start. */
export interface Foundation {
  readonly port: number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Resolves once it takes connections. */
  start(): Promise<void>;
  /** SIGSTOP. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Whether it runs; a full disk may have ended it. */
  running(): boolean;
}

/** MongoDB's stand-in, each commit on the disk before it is answered. */
export function createMongo(tool: Tool, folder: string, port: number): Foundation {
  const args = [...tool.args, "--port", String(port), "--storage-path", folder, "--sync-on-commit"];
  return createFoundation(tool.command, args, folder, port);
}

/** NATS with JetStream. `sync_interval: always` is what makes an acknowledgement mean "on disk". */
export function createNats(tool: Tool, folder: string, port: number): Foundation {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "nats.conf");
  const store = JSON.stringify(join(folder, "jetstream"));
  writeFileSync(
    file,
    `listen: "127.0.0.1:${port}"\njetstream { store_dir: ${store}, sync_interval: always }\n`,
  );
  return createFoundation(tool.command, [...tool.args, "-c", file], folder, port);
}

export function createToxiproxy(tool: Tool, folder: string, port: number): Foundation {
  return createFoundation(tool.command, ["-host", "127.0.0.1", "-port", String(port)], folder, port);
}

function createFoundation(
  command: string,
  args: readonly string[],
  folder: string,
  port: number,
): Foundation {
  let child: ChildProcess | undefined;
  let keeper: ChildProcess | undefined;
  const running = () => child !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    port,
    running,
    async start() {
      mkdirSync(folder, { recursive: true });
      // In its folder, where no configuration file of this machine is found.
      child = spawn(command, args, { cwd: folder, stdio: "ignore" });
      keeper?.kill("SIGKILL");
      keeper = keep(child);
      await listening(port, running);
    },
    async kill() {
      keeper?.kill("SIGKILL");
      if (!running()) return;
      const ended = once(child!, "exit");
      child!.kill("SIGKILL");
      await ended;
    },
    pause: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
  };
}

/** Ends the server when this process is gone, however it went: its pipe ends then. */
function keep({ pid }: ChildProcess): ChildProcess {
  const script = `cat >/dev/null; kill -KILL ${pid}`;
  return spawn("sh", ["-c", script], { stdio: ["pipe", "ignore", "ignore"], detached: true });
}

/** A server has no event to await but its open port. */
async function listening(port: number, running: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600 && running(); tries += 1) {
    const socket = connect(port, "127.0.0.1");
    const open = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await delay(50);
  }
  throw new Error(`a server on port ${port} did not start`);
}
