import { type Frontier, frontierRoot, type NoteSigner, signCheckpoint } from "@wellapi/merkle";
import type { DurableFile } from "./durable-file.ts";

/** The published state of the log: it answers for this size and no larger one. */
export interface Publication {
  /** Entries that the published checkpoint covers. */
  size(): number;
  /** The signed note. */
  checkpoint(): string;
  /** Signs the tree's root, stores the checkpoint, and only then shows it. Never goes back to a smaller tree. */
  publish(tree: Frontier): Promise<void>;
}

/**
 * All signers have the log's origin as their name. The first checkpoint is the given tree's; the caller has checked it
 * against the file. Where there is no tree that may be signed, and where a full disk does not take its checkpoint, the
 * first one is what was published, as it is.
 */
export async function openPublication(
  signers: readonly [NoteSigner, ...NoteSigner[]],
  file: DurableFile,
  start: {
    readonly tree: Frontier | undefined;
    readonly published: { readonly note: string; readonly size: number } | undefined;
  },
): Promise<Publication> {
  let size = -1;
  let note = "";
  // The keys sign the same text with the same result, so a start with nothing new writes nothing, also on a full
  // disk.
  let written = await file.read();

  async function publish(next: Frontier): Promise<void> {
    if (next.size <= size) return;
    const checkpoint = { origin: signers[0].name, size: next.size, root: frontierRoot(next), extensions: [] };
    const signed = signCheckpoint(checkpoint, signers);
    if (signed !== written) await file.write(signed);
    written = signed;
    size = next.size;
    note = signed;
  }

  const { tree, published } = start;
  if (published !== undefined) ({ note, size } = published);
  try {
    if (tree !== undefined) {
      size = -1;
      await publish(tree);
    }
  } catch (error) {
    const full = error instanceof Error && "code" in error && error.code === "ENOSPC";
    if (!full || published === undefined) throw error;
    size = published.size;
  }
  return { size: () => size, checkpoint: () => note, publish };
}
