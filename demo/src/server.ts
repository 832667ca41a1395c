import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

// Vitest, too, runs this file, and its global setups have no import.meta.resolve.
const require = createRequire(import.meta.url);

/** What `wellapi start --json` and `wellapi start-mesh --json` print once they accept calls. */
export interface Announcement {
  readonly grpc: string;
  readonly http: string;
  /** Pages: the developers' portal, its explorer of RPCs, the documentation. */
  readonly developers: string;
  readonly explorer: string;
  readonly documentation: string;
  readonly dataDir: string;
  /** Only at the first start on a data directory. */
  readonly operatorKey?: string;
  /** The installation's own authority, PEM. */
  readonly authority: string;
}

export interface Server extends Announcement {
  readonly pid: number;
  /** SIGTERM; the process's exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, in the middle of whatever it does. */
  kill(): Promise<void>;
}

export interface ServerOptions {
  readonly dataDir: string;
  /** Settings beside those of a server on free ports. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its log goes; by default to this process's stderr. */
  readonly logFile?: string;
  /** One process, or a mesh of them; by default as `TARGET=mesh` says. */
  readonly target?: Target;
}

export type Target = "one-process" | "mesh";

/** What `make demo TARGET=mesh` chooses. */
export function chosenTarget(): Target {
  return process.env.TARGET === "mesh" ? "mesh" : "one-process";
}

/** A folder for a server's data, and how to remove it. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "wellapi-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Starts a real server process and resolves once it accepts calls. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const main = require.resolve("@wellapi/cli/main");
  const command = (options.target ?? chosenTarget()) === "mesh" ? "start-mesh" : "start";
  const child = spawn(process.execPath, [main, command, "--json"], {
    env: {
      ...process.env,
      WELLAPI_GRPC_PORT: "0",
      WELLAPI_HTTP_PORT: "0",
      WELLAPI_HOST: "127.0.0.1",
      WELLAPI_PROFILE: "sandbox",
      WELLAPI_LOG_LEVEL: "warn",
      // It goes with the data, and is no file of the user's.
      WELLAPI_MASTER_KEY_FILE: join(options.dataDir, "keys", "master.key"),
      ...options.env,
      WELLAPI_DATA_DIR: options.dataDir,
    },
    stdio: ["ignore", "pipe", options.logFile ? openSync(options.logFile, "a") : "inherit"],
  });
  const ended = once(child, "exit") as Promise<[number | null]>;
  try {
    const announcement = await announced(child, ended);
    return {
      ...announcement,
      pid: child.pid!,
      async stop() {
        child.kill("SIGTERM");
        return (await ended)[0];
      },
      async kill() {
        child.kill("SIGKILL");
        await ended;
      },
    };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

async function announced(child: ChildProcess, ended: Promise<[number | null]>): Promise<Announcement> {
  const line = once(createInterface({ input: child.stdout! }), "line") as Promise<[string]>;
  const failure = ended.then(([code]) => {
    throw new Error(`the server ended with code ${code} before it accepted calls`);
  });
  const [text] = await Promise.race([line, failure]);
  return JSON.parse(text) as Announcement;
}
