import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { HostError } from "../errors.ts";

/** `data`: the services' stores. `keys`: the wrapped keys of patients, which never lie in the same backup. */
export type BackupContent = "data" | "keys";

export interface BackedUpFile {
  /** Within the backup, and within the data folder; with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** The description of a backup. It is written last: a folder without it is not a backup. */
export interface Manifest {
  readonly format: "wellapi-backup/1";
  readonly content: BackupContent;
  /** Version of the program that made it. */
  readonly version: string;
  readonly trustDomain: string;
  /** RFC 3339, UTC. The copies were made between the two. */
  readonly startTime: string;
  readonly endTime: string;
  /** For data: a signed head of the access log that the copies contain; absent if none was published. */
  readonly checkpoint?: string;
  readonly files: readonly BackedUpFile[];
}

const NAME = "manifest.json";

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const path = join(folder, NAME);
  const draft = await open(`${path}.new`, "wx", 0o600);
  try {
    await draft.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
    await draft.sync();
  } finally {
    await draft.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(folder);
}

/** Throws HostError `backup_unusable`. */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, NAME), "utf8").catch((cause: unknown) => {
    throw unusable(
      `${folder} has no ${NAME}: it is no backup, or one that was cut short; take another`,
      cause,
    );
  });
  const manifest = parse(text);
  if (manifest?.format !== "wellapi-backup/1" || !Array.isArray(manifest.files)) {
    throw unusable(`${join(folder, NAME)} is not one that this version reads`);
  }
  return manifest;
}

function parse(text: string): Manifest | undefined {
  try {
    return JSON.parse(text) as Manifest;
  } catch {
    return undefined;
  }
}

export async function describeFile(folder: string, path: string): Promise<BackedUpFile> {
  const hash = createHash("sha256");
  let bytes = 0;
  await pipeline(createReadStream(join(folder, path)), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  });
  return { path, bytes, sha256: hash.digest("hex") };
}

/** Syncs the folder: files made in it survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function unusable(message: string, cause?: unknown): HostError {
  return new HostError("backup_unusable", message, { cause });
}
