import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Tool } from "../../scripts/tools.ts";

/** A wall clock of one process that a test moves while it runs; its monotonic clock stays true. */
export interface MovableClock {
  /** Settings of the process at its start. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on by so many seconds off the true time. */
  move(seconds: number): void;
}

export function createMovableClock(library: Tool, folder: string, name: string): MovableClock {
  const file = join(folder, `${name}.time`);
  const move = (seconds: number) => writeFileSync(file, `${seconds < 0 ? "" : "+"}${seconds}\n`);
  move(0);
  return {
    env: {
      LD_PRELOAD: library.command,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    move,
  };
}
