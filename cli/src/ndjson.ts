import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { CliError } from "./failure.ts";

/** The lines of an NDJSON file that are not empty, and, as far as they were read, their numbers from 1. */
export interface NumberedLines {
  texts(): AsyncGenerator<string>;
  readonly numbers: readonly number[];
}

export function readLines(file: string): NumberedLines {
  const numbers: number[] = [];
  return {
    numbers,
    async *texts() {
      let number = 0;
      try {
        for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
          number++;
          if (line.trim() === "") continue;
          numbers.push(number);
          yield line;
        }
      } catch (cause) {
        throw new CliError("usage", `cannot read ${file}: name a file that exists and that you may read`, {
          cause,
        });
      }
    },
  };
}
