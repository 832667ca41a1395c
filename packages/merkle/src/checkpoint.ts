import { decodeBase64, encodeBase64 } from "./base64.ts";
import { MerkleError } from "./errors.ts";
import { type OpenedNote, openNote, signNote } from "./note.ts";
import type { NoteSigner, NoteVerifier } from "./note-key.ts";
import { isTreeSize } from "./subtree.ts";
import { isHash } from "./tree-hash.ts";

/** What a log commits to, C2SP tlog-checkpoint: "my tree of this size has this root". */
export interface Checkpoint {
  /** The log's identity, by convention a URL without its scheme. One line, not empty. */
  readonly origin: string;
  /** Leaves, at most 2^53 - 1. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** Opaque lines, none empty. The specification advises against them: no monitor can audit them. */
  readonly extensions: readonly string[];
}

/** What a verifier trusts: the log's origin, and its keys (several while one replaces another). */
export interface CheckpointTrust {
  readonly origin: string;
  readonly verifiers: readonly NoteVerifier[];
}

const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/;
const LINE = /^[^\p{Cc}]+$/u;

/** The note text: origin, size, base64 root and extensions, a line each. Throws `checkpoint_malformed`. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root, extensions } = checkpoint;
  if (!isTreeSize(size) || !isHash(root)) throw malformed("a checkpoint has a size and a root of 32 bytes");
  if (![origin, ...extensions].every((line) => line.isWellFormed() && LINE.test(line)))
    throw malformed("an origin or extension is one line of text without control characters");
  return `${[origin, size, encodeBase64(root), ...extensions].join("\n")}\n`;
}

/**
 * The inverse of `formatCheckpoint`; throws `checkpoint_malformed` on every text that it would not have made.
 * The text proves nothing by itself: to trust a checkpoint, use `openCheckpoint`.
 */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith("\n")) throw malformed("a checkpoint's text ends in a newline");
  const [origin = "", decimal = "", encoded = "", ...extensions] = text.slice(0, -1).split("\n");
  const size = DECIMAL.test(decimal) ? Number(decimal) : undefined;
  const root = decodeBase64(encoded);
  if (size === undefined || root === undefined)
    throw malformed("the second line is a size, the third a root");
  const checkpoint = { origin, size, root, extensions };
  if (formatCheckpoint(checkpoint) !== text) throw malformed("the checkpoint is not canonical");
  return checkpoint;
}

/**
 * A checkpoint as a signed note, ready to be served. By convention the log's signer is named as the origin.
 * The caller must never sign two checkpoints that are not consistent.
 */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly NoteSigner[]): string {
  return signNote(formatCheckpoint(checkpoint), signers);
}

/**
 * The checkpoint of a note that the trusted log signed. Throws as `openNote`, `checkpoint_malformed`, or
 * `origin_mismatch` if it is another log's.
 */
export function openCheckpoint(
  note: Uint8Array | string,
  trust: CheckpointTrust,
): { readonly checkpoint: Checkpoint; readonly note: OpenedNote } {
  const opened = openNote(note, trust.verifiers);
  const checkpoint = parseCheckpoint(opened.text);
  if (checkpoint.origin !== trust.origin)
    throw new MerkleError("origin_mismatch", `the checkpoint is not of the log ${trust.origin}`);
  return { checkpoint, note: opened };
}

function malformed(message: string): MerkleError {
  return new MerkleError("checkpoint_malformed", message);
}
