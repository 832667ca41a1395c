import { CliError } from "../failure.ts";

/** A code of a file, as it is loaded. */
export interface FileConcept {
  readonly system: string;
  readonly code: string;
  readonly display: string;
  readonly inactive: boolean;
}

/** What a file says that it is, and its codes in its order. */
export interface ReleaseFile {
  readonly kind: "code_system" | "value_set";
  readonly url: string;
  readonly version: string;
  readonly title: string;
  /** Each time from the beginning. Throws CliError `input`. */
  concepts(): AsyncIterable<FileConcept>;
}

export interface ReleaseOptions {
  /** As the publisher names it, where the file does not say it. */
  readonly version?: string;
}

/** Throws CliError `usage` where neither says a version. */
export function versionOf(said: string | undefined, options: ReleaseOptions): string {
  const version = options.version ?? said ?? "";
  if (version !== "") return version;
  throw new CliError(
    "usage",
    "the file does not say its version: name it with --release, for example --release 2.81",
  );
}

export function notRead(path: string, cause: unknown): CliError {
  if (cause instanceof CliError) return cause;
  return new CliError("input", `cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`, {
    cause,
  });
}
