import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

/** The last published checkpoint, kept apart from the store so that a store from a backup is noticed. */
export interface CheckpointFile {
  /** Undefined where none was published. */
  read(): Promise<string | undefined>;
  /** Durable when it resolves; after a crash either the old or the new one is there, whole. */
  write(note: string): Promise<void>;
}

export function createCheckpointFile(directory: string): CheckpointFile {
  const path = join(directory, "checkpoint");
  const draft = `${path}.new`;
  return {
    async read() {
      try {
        return await readFile(path, "utf8");
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
      }
    },
    async write(note) {
      const file = await open(draft, "w");
      try {
        await file.writeFile(note);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
      const folder = await open(directory, "r");
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    },
  };
}
