import { CliError } from "./failure.ts";
import { fileText } from "./file-text.ts";
import type { Io } from "./io.ts";

/**
 * A code that works once, from a file or from the environment variable `name`: never from the command line, which other users of
 * the machine see. Throws CliError `usage`.
 */
export function codeFrom(file: string | undefined, name: string, { env }: Io): string {
  const code = file === undefined ? env[name] : fileText(file, "usage").trim();
  if (code) return code;
  throw new CliError("usage", `no code: pass --code-file FILE, or set ${name}`);
}
