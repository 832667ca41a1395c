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

/** All signers have the log's origin as their name. The first checkpoint is the given tree's; the caller has checked it against the file. */
export async function openPublication(
  signers: readonly [NoteSigner, ...NoteSigner[]],
  file: DurableFile,
  tree: Frontier,
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

  await publish(tree);
  return { size: () => size, checkpoint: () => note, publish };
}
