import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";

/** Which batches of a source are stored, so that a later upload of the same source goes on. */
export interface UploadProgress {
  has(requestId: string): boolean;
  /** Called once the server has said that the batch is stored. */
  add(requestId: string): void;
}

/** A progress in a file, one request id a line. */
export interface ProgressFile extends UploadProgress {
  /** All is stored, and nothing needs to be remembered. */
  remove(): void;
}

/** Goes on from what the file holds; a file that does not exist is an upload that has not begun. */
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
