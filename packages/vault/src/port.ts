/**
 * `data` seals values and identifying fields; `audit` seals the log's bodies and consents, and outlives an erasure by its
 * retention.
 */
export type KeyUse = "data" | "audit";

/** A patient's unwrapped key. Synchronous, for hot paths. Must be dropped when its enforcer session ends. */
export interface PatientKey {
  /**
   * AES-256-GCM with a random 96-bit nonce. `context` (collection, document key, position) and the key's id are
   * associated data: sealed bytes do not open in another place. Layout: version, key version, nonce, ciphertext, tag.
   */
  seal(context: string, plaintext: Uint8Array): Uint8Array;
  /** Throws VaultError `tampered`. */
  open(context: string, sealed: Uint8Array): Uint8Array;
  /** HMAC-SHA-256 under a key derived for `label` (HKDF); 32 bytes. For digests and opaque ids. */
  mac(label: string, data: Uint8Array): Uint8Array;
}

/** Keys of patients, wrapped by a KMS and kept apart from data. All methods throw VaultError. */
export interface Vault {
  /** Creates the key unless it exists. Throws `destroyed` where it was destroyed. Durable when it resolves. */
  create(partition: string, use: KeyUse): Promise<void>;
  /**
   * The unwrapped key, from a bounded cache. Throws `no_key` where it never existed, `destroyed` where it was
   * destroyed.
   */
  key(partition: string, use: KeyUse): Promise<PatientKey>;
  /**
   * Ids of the key's versions, for receipts: hashes that reveal nothing about the patient. Empty where there is no
   * key (any more).
   */
  keyIds(partition: string, use: KeyUse): Promise<readonly string[]>;
  /**
   * Destroys the key for ever: once it resolves, no file of the store holds the wrapped key. Returns how many
   * versions it destroyed.
   */
  destroy(partition: string, use: KeyUse): Promise<number>;
  /** Drops an unwrapped key from the cache, on recall. */
  forget(partition: string): void;
  /** Drops all unwrapped keys of the use, when a session ends. */
  forgetAll(use: KeyUse): void;
}

/** Wraps keys. Engines: a local key file; a token behind PKCS #11. */
export interface Kms {
  /** Wraps 32 bytes; `context` must be the same at unwrap. */
  wrap(key: Uint8Array, context: string): Promise<Uint8Array>;
  unwrap(wrapped: Uint8Array, context: string): Promise<Uint8Array>;
  /** The same key under the master key in use, where an older master key wrapped it; else undefined. */
  rewrap(wrapped: Uint8Array, context: string): Promise<Uint8Array | undefined>;
  /** 32 bytes derived from the master key for a purpose, for example pairwise ids and page tokens. */
  derive(label: string): Promise<Uint8Array>;
}

export interface OpenKms extends Kms {
  /** Overwrites the master key in memory, or ends the session with who has it. */
  close(): Promise<void>;
}

/**
 * Pairwise ids: what one party sees of a patient, batch, record or device means nothing to another.
 * An internal id's 128 random bits are permuted by one block of AES-256 under a key derived per party and prefix.
 */
export interface Pairwise {
  /** `party`: an organization id, or `installation` for patients and operators. */
  outward(party: string, internalId: string): string;
  /** The internal id that `outwardId` stands for; undefined where it is malformed or has another prefix. */
  inward(party: string, prefix: string, outwardId: string): string | undefined;
}
