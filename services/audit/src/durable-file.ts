import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

/** A text that is stored apart from the store, so that a store from a backup is noticed. */
export interface DurableFile {
  /** Undefined where the file is missing. */
  read(): Promise<string | undefined>;
  /** Durable when it resolves; after a crash either the old or the new text is there, whole. */
  write(text: string): Promise<void>;
}

export function createDurableFile(directory: string, name: string): DurableFile {
  const path = join(directory, name);
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
    async write(text) {
      const file = await open(draft, "w", 0o600);
      try {
        await file.writeFile(text);
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
