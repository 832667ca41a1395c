import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Checkpoint } from "@wellapi/merkle";
import type { Kms } from "@wellapi/vault";
import { openLogKeys } from "./log-keys.ts";
import type { LogRepository } from "./log-repository.ts";
import { openPublished } from "./start-check.ts";

/**
 * The last published checkpoint, verified with the log's keys, for tools that work on a stopped log. Writes nothing: keys that
 * were replaced are read as they are. Undefined where nothing was published. Throws AuditError `behind_checkpoint`.
 */
export async function readPublished(options: {
  readonly log: LogRepository;
  readonly kms: Kms;
  readonly publishedDirectory: string;
  readonly trustDomain: string;
}): Promise<Checkpoint | undefined> {
  const { log, kms, publishedDirectory, trustDomain } = options;
  const text = (name: string) => readFile(join(publishedDirectory, name), "utf8").catch(() => undefined);
  const note = await text("checkpoint");
  if (note === undefined) return undefined;
  const nothing = async () => {};
  const keys = await openLogKeys({
    log: { ...log, setKeys: nothing },
    kms,
    origin: `${trustDomain}/log`,
    file: { read: () => text("keys.json"), write: nothing },
  });
  return openPublished(note, keys);
}
