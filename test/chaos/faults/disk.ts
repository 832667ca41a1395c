/** Disks that fill. Each is a small tmpfs, which only root may mount. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "../fault.ts";

/** Below the world's folder, with sizes that hold a whole run. */
export const disks = { data: "128m", mongodb: "512m", nats: "64m" } as const;
type Disk = keyof typeof disks;

export const mayMount = process.getuid?.() === 0;

/** Mounts each disk below the folder; gives back how to unmount them. They go with this process, however it ends. */
export function mountDisks(folder: string): () => Promise<void> {
  const paths = (Object.keys(disks) as Disk[]).map((disk) => join(folder, disk));
  for (const [i, path] of paths.entries()) {
    mkdirSync(path, { recursive: true });
    const size = Object.values(disks)[i]!;
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", path]);
  }
  const script = 'cat >/dev/null; for disk in "$@"; do umount --lazy "$disk"; done';
  const keeper = spawn("sh", ["-c", script, "sh", ...paths], {
    stdio: ["pipe", "ignore", "inherit"],
    detached: true,
  });
  return async () => {
    const ended = once(keeper, "exit");
    keeper.stdin.end();
    await ended;
  };
}

/** Takes what is left; a server may take some of it first. */
function fill(folder: string, disk: Disk): void {
  const path = join(folder, disk);
  const { bavail, bsize } = statfsSync(path);
  try {
    writeFileSync(fillerOf(folder, disk), Buffer.alloc(bavail * bsize));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}

function fillerOf(folder: string, disk: Disk): string {
  return join(folder, disk, "filler");
}

const holdMs = 3_000;

export const fullDisks: readonly Fault[] = [
  {
    name: "disk of the services full",
    group: "disk",
    holdMs,
    inject: ({ folder }) => fill(folder, "data"),
    heal: ({ folder }) => rmSync(fillerOf(folder, "data")),
  },
  {
    name: "disk of NATS full",
    group: "disk",
    holdMs,
    inject: ({ folder }) => fill(folder, "nats"),
    // JetStream that ran out of space stays off until it is started again.
    async heal({ folder, nats }) {
      rmSync(fillerOf(folder, "nats"));
      await nats.kill();
      await nats.start();
    },
  },
  {
    name: "disk of MongoDB full",
    group: "disk",
    holdMs,
    inject: ({ folder }) => fill(folder, "mongodb"),
    // Its storage engine ends itself, or stays as it is: as an operator does, it is started again.
    async heal({ folder, mongo }) {
      rmSync(fillerOf(folder, "mongodb"));
      await mongo.kill();
      await mongo.start();
    },
  },
];
