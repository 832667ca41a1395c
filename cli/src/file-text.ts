import { readFileSync } from "node:fs";
import { CliError, type CliFailure } from "./failure.ts";

/** What is wrong with a file that a command line names, by the code of the system's error. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is none of that name",
  ENOTDIR: "a part of its path is no folder",
  EISDIR: "it is a folder",
  EACCES: "you may not read it",
  EPERM: "you may not read it",
};

/** The text of a file, UTF-8. Throws CliError `failure`, which names the file and what is wrong with it. */
export function fileText(path: string, failure: CliFailure = "input"): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code = "", message } = cause as NodeJS.ErrnoException;
    const reason = reasons[code] ?? message;
    throw new CliError(
      failure,
      `cannot read ${path}: ${reason}; name a file that exists and that you may read`,
      {
        cause,
      },
    );
  }
}
