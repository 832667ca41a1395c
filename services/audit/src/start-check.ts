import type { Succession } from "@wellapi/log-verifier";
import {
  type Checkpoint,
  type Frontier,
  frontierRoot,
  MerkleError,
  openCheckpoint,
  parseVerifierKey,
  readFrontier,
} from "@wellapi/merkle";
import { AuditError, startRefused } from "./errors.ts";
import type { LogKeys } from "./log-keys.ts";
import type { Tiles } from "./tiles.ts";

/**
 * The checkpoint of the file, if it is this log's: signed by its key, or by the previous one, where a crash came
 * between a succession and the first checkpoint after it. Throws `behind_checkpoint` for another key's checkpoint:
 * then the store, which holds the key, did not publish it.
 */
export function openPublished(note: string, { current, last }: LogKeys): Checkpoint {
  let failure: unknown;
  for (const key of [current.verifierKey, ...(last === undefined ? [] : [last.from])]) {
    const verifier = parseVerifierKey(key);
    try {
      return openCheckpoint(note, { origin: verifier.name, verifiers: [verifier] }).checkpoint;
    } catch (cause) {
      failure = cause;
    }
  }
  throw startRefused(
    "behind_checkpoint",
    "the published checkpoint was not signed by this store's key: the store is another log's",
    { cause: failure },
  );
}

/**
 * The published part that the store has; undefined where nothing was published. Where the store lacks a part of it,
 * or the published size is unknown, the start is refused, unless an operator has decided that the part is lost for
 * good: then the log continues under another name, with a key that declares the break.
 */
export async function settlePublished(options: {
  readonly published: Checkpoint | undefined;
  readonly tree: Frontier;
  readonly keys: LogKeys;
  /** Where the published checkpoint should be. */
  readonly path: string;
  readonly accepted: string | undefined;
  readonly now: number;
}): Promise<{ readonly published: Checkpoint | undefined; readonly keys: LogKeys }> {
  const { published, tree, keys, path, accepted, now } = options;
  const lacks = published === undefined ? tree.size > 0 : published.size > tree.size;
  if (!lacks) return { published, keys };
  // A crash came between the declaration and the first checkpoint under it.
  if (declares(keys.last, published, tree)) return { published: undefined, keys };
  // The setting names the log, and a break changes the name: a setting that stays accepts no second loss of the same
  // sizes.
  const name = `${keys.current.name}:${published?.size ?? "unknown"}@${tree.size}`;
  if (accepted !== name) {
    const what =
      published === undefined
        ? `the store has ${tree.size} entries, but what was published last is not known: put back ${path}, or the newest checkpoint that anybody has in its place`
        : `the store has ${tree.size} entries, but ${published.size} were published: restore a newer backup`;
    throw startRefused(
      "behind_checkpoint",
      `${what}; or, if the entries between are lost for good, declare the break to all who verify the log, with WELLAPI_ACCEPT_LOG_BREAK=${name}`,
    );
  }
  const continues = { size: tree.size, root: frontierRoot(tree) };
  return {
    published: undefined,
    keys: await keys.succeed({ reason: "restored", published, continues, time: now }),
  };
}

function declares(last: Succession | undefined, published: Checkpoint | undefined, tree: Frontier): boolean {
  if (last?.reason !== "restored" || published === undefined) return false;
  const former = published.origin === parseVerifierKey(last.from).name;
  return former && last.published?.size === published.size && last.continues.size === tree.size;
}

/**
 * Whether something confirms the stored tree: the signature of the published one, or the entries and tiles that lead to
 * both. `behind`: they lead to the stored tree, and not to the published one.
 */
export async function confirmTree(
  tree: Frontier,
  published: Checkpoint | undefined,
  tiles: Tiles,
): Promise<"confirmed" | "unconfirmed" | "behind"> {
  if (published?.size === tree.size && same(published.root, frontierRoot(tree))) return "confirmed";
  if (!(await leadsTo(tree.size, frontierRoot(tree), tiles))) return "unconfirmed";
  if (published === undefined) return "confirmed";
  return (await leadsTo(published.size, published.root, tiles)) ? "confirmed" : "behind";
}

/** The tree of the published checkpoint, where the entries lead to it. */
export async function publishedTree(published: Checkpoint, tiles: Tiles): Promise<Frontier | undefined> {
  return (await leadsTo(published.size, published.root, tiles))
    ? readFrontier(published.size, tiles.hashes)
    : undefined;
}

export function behindPublished({ size }: Checkpoint): AuditError {
  return startRefused(
    "behind_checkpoint",
    `the store's first ${size} entries are not those that were published`,
  );
}

/** False also where hashes on the way are not known. */
async function leadsTo(size: number, root: Uint8Array, tiles: Tiles): Promise<boolean> {
  try {
    return same(frontierRoot(await readFrontier(size, tiles.hashes)), root);
  } catch (error) {
    if (error instanceof AuditError || error instanceof MerkleError) return false;
    throw error;
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
