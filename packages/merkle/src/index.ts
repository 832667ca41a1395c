export {
  type Checkpoint,
  type CheckpointTrust,
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from "./checkpoint.ts";
export { decodeEntryBundle, type EntryBundle, encodeEntryBundle, growEntryBundles } from "./entry-bundle.ts";
export { MerkleError, type MerkleErrorCode } from "./errors.ts";
export {
  appendLeafHashes,
  decodeFrontier,
  EMPTY_FRONTIER,
  encodeFrontier,
  type Frontier,
  frontierRoot,
} from "./frontier.ts";
export { createHashReader, type HashReader, type ReadTile, readFrontier } from "./hash-reader.ts";
export { type NoteSignature, type OpenedNote, openNote, signNote } from "./note.ts";
export {
  createNoteSigner,
  createNoteVerifier,
  formatVerifierKey,
  hexKeyId,
  type NoteSigner,
  type NoteVerifier,
  noteKeyId,
  parseVerifierKey,
} from "./note-key.ts";
export { consistencyProof, inclusionProof } from "./proof.ts";
export {
  growTiles,
  partialTiles,
  TILE_WIDTH,
  type Tile,
  type TileGrowth,
  type TileRef,
  tilesOfGrowth,
} from "./tile.ts";
export { formatTilePath, parseTilePath, type TilePath } from "./tile-path.ts";
export { emptyRoot, HASH_BYTES, leafHash, nodeHash } from "./tree-hash.ts";
export {
  type ConsistencyClaim,
  type InclusionClaim,
  verifyConsistency,
  verifyInclusion,
} from "./verify.ts";
