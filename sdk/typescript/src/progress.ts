import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";

/** The stored batches of a source, so that a later upload of the same source resumes. */
export interface UploadProgress {
  has(requestId: string): boolean;
  /** Called once the server has reported the batch as stored. */
  add(requestId: string): void;
}

/** Progress in a file, one request id a line. */
export interface ProgressFile extends UploadProgress {
  /** Deletes the file: every batch is stored. */
  remove(): void;
}

/** Resumes from the file's contents; a missing file means an upload that has not begun. */
export function openProgressFile(path: string): ProgressFile {
  const stored = new Set(existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : []);
  return {
    has: (requestId) => stored.has(requestId),
    add(requestId) {
      appendFileSync(path, `${requestId}\n`);
      stored.add(requestId);
    },
    remove: () => rmSync(path, { force: true }),
  };
}
