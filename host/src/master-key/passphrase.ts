import { open } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { isKeyFileSealed, shortestPassphrase } from "@wellapi/vault";
import { HostError } from "../errors.ts";

const groupAndOthers = 0o077;

/**
 * The passphrase of the key's file: that of `file` if named, else asked for at the terminal if the key's file is sealed.
 * Undefined where the key's file is not sealed, or is not there yet.
 */
export async function passphraseOf(keyPath: string, file: string | undefined): Promise<string | undefined> {
  if (file !== undefined) return readSecret(file, "passphrase");
  if (!(await isKeyFileSealed(keyPath))) return undefined;
  if (process.stdin.isTTY) return ask(`Passphrase of ${keyPath}: `);
  throw new HostError(
    "master_key",
    `the key file ${keyPath} is sealed with a passphrase: name the passphrase's file with WELLAPI_MASTER_PASSPHRASE_FILE`,
  );
}

/** A new passphrase: that of `file` if named, else asked for twice at the terminal. */
export async function newPassphrase(file: string | undefined): Promise<string> {
  if (file !== undefined) return readSecret(file, "passphrase");
  if (!process.stdin.isTTY) {
    throw new HostError("master_key", "there is no terminal to ask for a passphrase: name its file");
  }
  const text = await ask(`New passphrase (${shortestPassphrase} characters or more): `);
  if (text !== (await ask("The same again: "))) throw new HostError("master_key", "the two differ");
  return text;
}

/** The first line of a file that only its owner may read. Throws HostError `master_key`. */
export async function readSecret(path: string, what: "passphrase" | "PIN"): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      const { mode } = await file.stat();
      if (process.platform !== "win32" && (mode & groupAndOthers) !== 0) {
        throw new HostError("master_key", `others may read the file of the ${what}; run: chmod 600 ${path}`);
      }
      const [line = ""] = (await file.readFile("utf8")).split(/\r?\n/, 1);
      return line;
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HostError("master_key", `the file of the ${what} cannot be read (${reason})`, { cause });
  }
}

/** Nothing that is typed is shown. */
async function ask(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write(question);
  try {
    return await lines.question("");
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}
