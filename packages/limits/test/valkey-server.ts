import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@wellapi/runtime";
import { openWheels, type Tool, ToolsError } from "@wellapi/tools";

/** A real Valkey; undefined where it cannot be had on a laptop, an error where `CI` is set. */
export async function findValkey(): Promise<Tool | undefined> {
  try {
    return (await openWheels(["valkey"])).valkey;
  } catch (error) {
    if (!(error instanceof ToolsError) || process.env.CI) throw error;
    process.stderr.write(`\nSKIPPED: tests of the Valkey engine, for want of a server: ${error.message}\n\n`);
    return undefined;
  }
}

export interface ValkeyServer {
  readonly url: string;
  /** Empty, on the same port. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** The process stands still, with its connections open. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

export async function openValkeyServer(tool: Tool): Promise<ValkeyServer> {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-valkey-"));
  const [port] = await freePorts(1);
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
    const started = spawn(tool.command, [...tool.args, ...settings], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    child = started;
    await new Promise<void>((resolve, reject) => {
      let output = "";
      started.stdout!.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (output.includes("Ready to accept connections")) resolve();
      });
      started.once("error", reject);
      started.once("exit", () => reject(new Error(`valkey-server ended: ${output}`)));
    });
  }

  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  await start();
  return {
    url: `valkey://127.0.0.1:${port}`,
    start,
    kill,
    freeze: () => void child!.kill("SIGSTOP"),
    thaw: () => void child!.kill("SIGCONT"),
    async close() {
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}
