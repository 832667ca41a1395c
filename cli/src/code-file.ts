import { readFileSync } from "node:fs";
import { CliError } from "./failure.ts";
import type { Io } from "./io.ts";

/**
 * A code that works once, from a file or from the environment variable `name`: never from the command line, which other users of
 * the machine see. Throws CliError `usage`.
 */
export function codeFrom(file: string | undefined, name: string, { env }: Io): string {
  const code = file === undefined ? env[name] : read(file);
  if (code) return code;
  throw new CliError("usage", `no code: pass --code-file FILE, or set ${name}`);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new CliError("usage", `cannot read ${file}: name a file that exists and that you may read`, {
      cause,
    });
  }
}
