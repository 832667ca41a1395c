import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** What `wellapi start --json` prints once it accepts calls. */
export interface Announcement {
  readonly grpc: string;
  readonly http: string;
  readonly operatorKey: string;
  readonly authority: string;
}

export interface Server extends Announcement {
  /** SIGTERM, wait, remove the data; the process's exit code. */
  stop(): Promise<number | null>;
}

/** Starts a server of our own: free ports, a temporary data directory. */
export async function startServer(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "wellapi-demo-"));
  const main = fileURLToPath(import.meta.resolve("@wellapi/cli/main"));
  const child = spawn(process.execPath, [main, "start", "--json"], {
    env: {
      ...process.env,
      WELLAPI_DATA_DIR: join(folder, "data"),
      WELLAPI_GRPC_PORT: "0",
      WELLAPI_HTTP_PORT: "0",
      WELLAPI_HOST: "127.0.0.1",
      WELLAPI_PROFILE: "sandbox",
      WELLAPI_LOG_LEVEL: "warn",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const announcement = await announced(child);
    return {
      ...announcement,
      async stop() {
        const ended = once(child, "exit");
        child.kill("SIGTERM");
        const [code] = (await ended) as [number | null];
        rmSync(folder, { recursive: true, force: true });
        return code;
      },
    };
  } catch (error) {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function announced(child: ChildProcess): Promise<Announcement> {
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the server ended with code ${code} before it accepted calls`);
  });
  const line = once(createInterface({ input: child.stdout! }), "line") as Promise<[string]>;
  const [text] = await Promise.race([line, ended]);
  return JSON.parse(text) as Announcement;
}
