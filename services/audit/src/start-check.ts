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
import type { Tiles } from "./tiles.ts";

/**
 * The checkpoint of the file, if it is this log's. Throws `behind_checkpoint` for another key's: then the store,
 * which holds the key, is not the one that published it.
 */
export function openPublished(note: string, verifierKey: string): Checkpoint {
  const verifier = parseVerifierKey(verifierKey);
  try {
    return openCheckpoint(note, { origin: verifier.name, verifiers: [verifier] }).checkpoint;
  } catch (cause) {
    throw startRefused(
      "behind_checkpoint",
      "the published checkpoint was not signed by this store's key: the store is another log's",
      { cause },
    );
  }
}

/**
 * Throws unless the tiles lead to the stored tree's root and to the published one's. Tiles are a cache, so they
 * are made again from the entries before the entries are blamed.
 */
export async function checkTree(
  tree: Frontier,
  published: Checkpoint | undefined,
  tiles: Tiles,
): Promise<void> {
  if (published !== undefined && published.size > tree.size)
    throw startRefused(
      "behind_checkpoint",
      `the store has ${tree.size} entries, but ${published.size} were published: restore a newer backup`,
    );
  const failure = await compareRoots(tree, published, tiles);
  if (failure === undefined) return;
  await tiles.clear();
  const lasting = await compareRoots(tree, published, tiles);
  if (lasting !== undefined) throw lasting;
}

async function compareRoots(
  tree: Frontier,
  published: Checkpoint | undefined,
  tiles: Tiles,
): Promise<AuditError | undefined> {
  try {
    if (!(await leadsTo(tree.size, frontierRoot(tree), tiles)))
      return startRefused("tree_damaged", `the store's ${tree.size} entries do not lead to its stored root`);
    if (published !== undefined && !(await leadsTo(published.size, published.root, tiles)))
      return startRefused(
        "behind_checkpoint",
        `the store's first ${published.size} entries are not those that were published`,
      );
    return undefined;
  } catch (error) {
    if (error instanceof AuditError && error.code === "tree_damaged") return error;
    if (error instanceof MerkleError)
      return startRefused("tree_damaged", "the tree cannot be read", { cause: error });
    throw error;
  }
}

async function leadsTo(size: number, root: Uint8Array, tiles: Tiles): Promise<boolean> {
  const frontier = await readFrontier(size, tiles.hashes);
  return Buffer.compare(frontierRoot(frontier), root) === 0;
}
