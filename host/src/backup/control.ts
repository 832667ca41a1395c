import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join, relative, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Logger } from "@wellapi/runtime";
import { HostError } from "../errors.ts";
import type { BackupContent, Manifest } from "./manifest.ts";

/** A command's request to the exchange that runs on a data folder: one line of JSON, answered by one line. */
export interface BackupRequest {
  readonly command: "backup";
  readonly content: BackupContent;
  /** Absolute. */
  readonly folder: string;
}

type Answer = { readonly manifest: Manifest } | { readonly error: string };

/** The kernel refuses longer paths of sockets. */
const MOST_BYTES = 100;

/** The shorter of its two forms. Undefined if the folder lies too deep for a socket. */
function socketPath(dataDir: string): string | undefined {
  const path = join(resolve(dataDir), "control.sock");
  const shorter = [path, relative(process.cwd(), path)].sort((a, b) => a.length - b.length)[0]!;
  return Buffer.byteLength(shorter) <= MOST_BYTES ? shorter : undefined;
}

/**
 * Listens in the data folder, which only its owner may enter: a user who may read the data may also ask for a copy of
 * it. The caller holds the folder's stores, so an existing socket belongs to a process that has ended.
 */
export async function openControl(options: {
  readonly dataDir: string;
  readonly backup: (request: BackupRequest) => Promise<Manifest>;
  readonly log: Logger;
}): Promise<{ close(): Promise<void> }> {
  const { dataDir, backup, log } = options;
  const path = socketPath(dataDir);
  if (path === undefined) {
    log.warn({}, "the data folder's path is too long for a socket: stop the exchange to back it up");
    return { close: async () => {} };
  }
  rmSync(path, { force: true });
  const working = new Set<Promise<void>>();
  const server = createServer((socket) => {
    const work = serve(socket).catch((err: unknown) => log.warn({ err }, "a backup was not answered"));
    working.add(work);
    work.then(() => working.delete(work));
  });

  async function serve(socket: Socket): Promise<void> {
    socket.on("error", () => {}); // The client has left; the backup is made nevertheless.
    const [line] = (await once(createInterface({ input: socket }), "line")) as [string];
    const answer: Answer = await backup(JSON.parse(line) as BackupRequest).then(
      (manifest) => ({ manifest }),
      (error: unknown) => {
        if (!(error instanceof HostError)) log.error({ err: error }, "a backup failed");
        return { error: error instanceof Error ? error.message : String(error) };
      },
    );
    socket.end(`${JSON.stringify(answer)}\n`);
  }

  server.listen(path);
  await once(server, "listening");
  return {
    async close() {
      server.close();
      await Promise.all(working);
      rmSync(path, { force: true });
    },
  };
}

/** Asks the exchange that runs on the folder. Undefined if none runs. Throws HostError with its reason. */
export async function askRunning(dataDir: string, request: BackupRequest): Promise<Manifest | undefined> {
  const path = socketPath(dataDir);
  const socket = path === undefined ? undefined : await reach(path);
  if (socket === undefined) return undefined;
  socket.write(`${JSON.stringify(request)}\n`);
  const lines = createInterface({ input: socket });
  const line = await Promise.race([
    once(lines, "line").then(([text]) => text as string),
    once(lines, "close").then(() => undefined),
  ]);
  socket.destroy();
  if (line === undefined) {
    throw new HostError("backup_folder", "the exchange ended before the backup was complete: take another");
  }
  const answer = JSON.parse(line) as Answer;
  if ("error" in answer) throw new HostError("backup_folder", answer.error);
  return answer.manifest;
}

async function reach(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return socket;
  } catch {
    return undefined;
  }
}
