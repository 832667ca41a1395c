/**
 * What went wrong, and who has to act:
 * - `invalid_argument`: the caller broke a documented precondition (a bug, or an index past the tree).
 * - `proof_invalid`: a proof does not prove what it was given for, for whatever reason.
 * - `tile_invalid`: a stored or fetched tile, bundle or frontier has impossible bytes: rebuild it.
 * - `path_invalid`: not a tlog-tiles path: answer 404.
 * - `key_invalid`: a verifier key, key name or private key that cannot be used: fix the configuration.
 * - `note_malformed`, `checkpoint_malformed`: the text does not follow its specification.
 * - `note_unverified`: no signature by a known key. `signature_invalid`: one by a known key that is wrong.
 * - `origin_mismatch`: a genuine checkpoint, but of another log.
 */
export type MerkleErrorCode =
  | "invalid_argument"
  | "proof_invalid"
  | "tile_invalid"
  | "path_invalid"
  | "key_invalid"
  | "note_malformed"
  | "note_unverified"
  | "signature_invalid"
  | "checkpoint_malformed"
  | "origin_mismatch";

/** This package's one error. Its message never carries an entry's content or a private key. */
export class MerkleError extends Error {
  readonly code: MerkleErrorCode;
  constructor(code: MerkleErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MerkleError";
    this.code = code;
  }
}
