import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePorts } from "@wellapi/runtime";
import { openTools, ToolsError } from "../../../scripts/tools.ts";

/** The server of a test run: one of its own, or the one that `WELLAPI_MONGODB_URI` names. */
export interface MongoServer {
  readonly uri: string;
  /** Whether it is one host in clear, so that a proxy can stand before it. */
  readonly canCut: boolean;
  /** What a test may kill: not a server that was given. */
  readonly own: OwnMongoServer | undefined;
  stop(): Promise<void>;
}

export interface OwnMongoServer {
  /** Of its data. */
  readonly folder: string;
  /** SIGKILL, without warning. */
  kill(): Promise<void>;
  /** On the same data and port. */
  start(): Promise<void>;
}

/** Throws where CI is set and no server can be had; a laptop skips, and says so. */
export async function openMongoServer(): Promise<MongoServer | undefined> {
  const given = process.env.WELLAPI_MONGODB_URI;
  if (given) {
    const canCut = /^mongodb:\/\/[^,]*$/.test(given) && !/[?&](tls|ssl)=true/.test(given);
    return { uri: given, canCut, own: undefined, stop: () => Promise.resolve() };
  }
  try {
    return await startServer();
  } catch (error) {
    if (!(error instanceof ToolsError) || process.env.CI) throw error;
    process.stderr.write(`\nSKIPPED: the MongoDB engine was not tested: ${error.message}\n\n`);
    return undefined;
  }
}

/** A server of one's own, with further settings of the test server. Throws ToolsError where none can be had. */
export async function startServer(settings: readonly string[] = []): Promise<MongoServer> {
  const { mongo } = await openTools(["mongo"]);
  const folder = await mkdtemp(join(tmpdir(), "wellapi-mongo-"));
  const [port] = (await freePorts(1)) as readonly [number];
  let child: ChildProcess | undefined;
  const start = async () => {
    const args = [
      ...mongo.args,
      "--port",
      String(port),
      "--storage-path",
      folder,
      "--sync-on-commit",
      ...settings,
    ];
    // In its folder, where no configuration file of this machine is found.
    child = spawn(mongo.command, args, { cwd: folder, stdio: "ignore" });
    await listening(port, child);
  };
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  await start();
  return {
    uri: `mongodb://127.0.0.1:${port}/?directConnection=true`,
    canCut: true,
    own: { folder, kill, start },
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A server has no event to await but its open port. */
async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (child.exitCode !== null) throw new Error(`the MongoDB test server ended with ${child.exitCode}`);
    const socket = connect(port, "127.0.0.1");
    const open = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await wait(100);
  }
  throw new Error("the MongoDB test server did not listen within 30 s");
}
