import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";

/** Remembers beside the file which batches are stored, so that a later run does not send them again. */
export interface Progress {
  readonly done: ReadonlySet<string>;
  add(requestId: string): void;
  /** All is stored: nothing needs to be remembered. */
  finish(): void;
}

export function openProgress(file: string): Progress {
  const path = `${file}.wellapi-progress`;
  const done = new Set(existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : []);
  return {
    done,
    add(requestId) {
      appendFileSync(path, `${requestId}\n`);
      done.add(requestId);
    },
    finish: () => rmSync(path, { force: true }),
  };
}
