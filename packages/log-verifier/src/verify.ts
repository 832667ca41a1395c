import { fromBinary } from "@bufbuild/protobuf";
import { type Access, AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import {
  type Checkpoint,
  leafHash,
  MerkleError,
  openCheckpoint,
  parseVerifierKey,
  verifyConsistency,
  verifyInclusion,
} from "@wellapi/merkle";
import { commitment, NONCE_BYTES } from "./commitment.ts";

// A patient, an auditor or the CLI runs this. It trusts a public key, which must come from elsewhere than the server
// that is checked, and nothing that the server says.

export interface AccessClaim {
  /** Exact bytes of the access, as the log gave them. */
  readonly body: Uint8Array;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  readonly index: number;
  /** A signed checkpoint that covers the index. */
  readonly checkpoint: string;
  /** `name+hash+key`; several while one key replaces another. All have the log's origin as their name. */
  readonly verifierKeys: readonly string[];
  /** Inclusion proof for the index and the checkpoint's size. */
  readonly proof: readonly Uint8Array[];
}

/**
 * Returns the access that the log holds at the index, and the checkpoint that proves it. Throws MerkleError:
 * `proof_invalid` if body, nonce, index or proof is not what the log committed to, or if that is no access; or as `openLogCheckpoint`.
 */
export function verifyAccess(claim: AccessClaim): {
  readonly access: Access;
  readonly checkpoint: Checkpoint;
} {
  const checkpoint = openLogCheckpoint(claim.checkpoint, claim.verifierKeys);
  if (claim.nonce.length !== NONCE_BYTES) throw new MerkleError("proof_invalid", "a nonce has 32 bytes");
  verifyInclusion({
    leafHash: leafHash(commitment(claim.nonce, claim.body)),
    index: claim.index,
    size: checkpoint.size,
    root: checkpoint.root,
    proof: claim.proof,
  });
  return { access: accessIn(claim.body), checkpoint };
}

/** A log can commit to bytes that are no access: it proves nothing then. */
function accessIn(body: Uint8Array): Access {
  try {
    return fromBinary(AccessSchema, body);
  } catch (cause) {
    throw new MerkleError("proof_invalid", "the log holds an entry that is no access", { cause });
  }
}

export interface GrowthClaim {
  /** A signed checkpoint that was kept from earlier. */
  readonly from: string;
  /** A newer one. */
  readonly to: string;
  readonly verifierKeys: readonly string[];
  /** Keys of the newer checkpoint, where another key replaced the first (`followSuccessions`). Default: the same. */
  readonly toVerifierKeys?: readonly string[];
  /** Consistency proof between their sizes. */
  readonly proof: readonly Uint8Array[];
}

/**
 * Returns both checkpoints if the newer log begins with the older one, so that nothing was changed or removed.
 * Throws MerkleError `proof_invalid`, or as `openLogCheckpoint`.
 */
export function verifyGrowth(claim: GrowthClaim): { readonly from: Checkpoint; readonly to: Checkpoint } {
  const from = openLogCheckpoint(claim.from, claim.verifierKeys);
  const to = openLogCheckpoint(claim.to, claim.toVerifierKeys ?? claim.verifierKeys);
  verifyConsistency({ from, to, proof: claim.proof });
  return { from, to };
}

/**
 * The size that a checkpoint states of itself; NaN where it states none. Nothing of it is proven before `openLogCheckpoint`: it serves to ask
 * for the proof.
 */
export function checkpointSize(checkpoint: string): number {
  return Number(checkpoint.split("\n")[1]);
}

/**
 * The checkpoint of a note that one of the keys signed. Throws MerkleError `key_invalid`, `note_malformed`,
 * `note_unverified`, `signature_invalid`, `checkpoint_malformed`, or `origin_mismatch`.
 */
export function openLogCheckpoint(note: string, verifierKeys: readonly string[]): Checkpoint {
  const verifiers = verifierKeys.map(parseVerifierKey);
  const origin = verifiers[0]?.name;
  if (origin === undefined || verifiers.some(({ name }) => name !== origin))
    throw new MerkleError("key_invalid", "give at least one verifier key, and only keys of one log");
  return openCheckpoint(note, { origin, verifiers }).checkpoint;
}
