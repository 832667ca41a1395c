import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@wellapi/runtime";
import { openTools, type Tool, ToolsError } from "../../../scripts/tools.ts";

/** The real nats-server; undefined where it cannot be had on a laptop, an error where `CI` is set. */
export async function findNatsServer(): Promise<Tool | undefined> {
  try {
    return (await openTools(["nats"])).nats;
  } catch (error) {
    if (!(error instanceof ToolsError) || process.env.CI) throw error;
    process.stderr.write(
      `\nSKIPPED: tests of the JetStream engine, for want of a nats-server: ${error.message}\n\n`,
    );
    return undefined;
  }
}

export interface NatsServer {
  readonly url: string;
  readonly pid: number;
  /** As a crash: no goodbye, no flush. */
  kill(): Promise<void>;
  /** On the same port, with the same data. */
  start(): Promise<void>;
}

export interface NatsServers {
  readonly servers: readonly NatsServer[];
  readonly urls: readonly string[];
  close(): Promise<void>;
}

/** One server, or a cluster of them on loopback, with JetStream in a temporary folder; `more` is further configuration. */
export async function openNatsServers(tool: Tool, count: number, more = ""): Promise<NatsServers> {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-nats-"));
  const ports = await freePorts(count * 2);
  const routes = ports.slice(count).map((port) => `nats://127.0.0.1:${port}`);
  const servers = await Promise.all(
    ports.slice(0, count).map(async (port, i) => {
      const config = join(folder, `${i}.conf`);
      const basic = configuration(i, port, join(folder, String(i)), count > 1 ? routes : []);
      await writeFile(config, `${basic}${more}\n`);
      return createNatsServer(tool, config, port);
    }),
  );
  await Promise.all(servers.map((server) => server.start()));
  return {
    servers,
    urls: servers.map((server) => server.url),
    async close() {
      await Promise.all(servers.map((server) => server.kill()));
      await rm(folder, { recursive: true });
    },
  };
}

/** `sync_interval: always` is what makes an acknowledgement mean "on disk". */
function configuration(index: number, port: number, folder: string, routes: readonly string[]): string {
  const lines = [
    `listen: "127.0.0.1:${port}"`,
    `server_name: n${index}`,
    `jetstream { store_dir: ${JSON.stringify(folder)}, sync_interval: always }`,
  ];
  const own = routes[index];
  if (own) {
    const others = routes.filter((route) => route !== own).map((route) => JSON.stringify(route));
    const listen = own.replace("nats://", "");
    lines.push(`cluster { name: test, listen: "${listen}", routes: [${others.join(", ")}] }`);
  }
  return `${lines.join("\n")}\n`;
}

function createNatsServer(tool: Tool, config: string, port: number): NatsServer {
  let child: ChildProcess | undefined;
  return {
    url: `nats://127.0.0.1:${port}`,
    get pid() {
      return child!.pid!;
    },
    async start() {
      child = spawn(tool.command, [...tool.args, "-c", config], { stdio: ["ignore", "ignore", "pipe"] });
      await started(child);
    },
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    },
  };
}

/** The server logs to stderr; it says when it takes clients. */
function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-10_000);
      if (output.includes("Server is ready")) resolve();
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`nats-server ended: ${output}`)));
  });
}
