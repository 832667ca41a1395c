import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { deriveKey } from "./derivation.ts";
import { VaultError } from "./errors.ts";
import type { KeyUse, PatientKey } from "./port.ts";
import { openBox, sealBox, tampered } from "./sealed-box.ts";

/** First byte of a sealed box. */
const FORMAT = 1;
/** Format and key version. */
const HEADER_BYTES = 5;

/**
 * Random 96-bit nonces keep the chance of a repeat below 2^-32 up to 2^32 seals with one key (NIST SP 800-38D,
 * section 8.3). A patient who is sealed a block a second for 50 years stays near a third of that. The count
 * here is of this process only: it stops a runaway, and is no substitute for rotating a key that is used more.
 */
export const SEAL_LIMIT = 2 ** 32;

/** One version of a patient's key, unwrapped. */
export interface KeyVersion {
  readonly version: number;
  /** 32 bytes. Owned by the key that is made of it, which overwrites them. */
  readonly bytes: Uint8Array;
}

/**
 * A key that can be dropped: every later use throws `unavailable`, the root bytes are zeroed, and derived keys are
 * released. Derived keys are Node's KeyObjects, which cost a fifth of raw bytes at each use; Node cleanses their
 * memory when it is freed.
 */
export interface DroppablePatientKey extends PatientKey {
  drop(): void;
}

/**
 * `versions` in ascending order, at least one: the newest seals, each opens what it sealed, and the first makes the
 * MACs, because digests and opaque ids must not change with a rotation.
 */
export function createPatientKey(
  partition: string,
  use: KeyUse,
  versions: readonly KeyVersion[],
  sealLimit = SEAL_LIMIT,
): DroppablePatientKey {
  const sealing = new Map(
    versions.map(({ version, bytes }) => [version, sealingKey(partition, use, version, bytes)] as const),
  );
  const newest = sealing.get(versions.at(-1)!.version)!;
  const root = versions[0]!.bytes;
  for (const { bytes } of versions.slice(1)) bytes.fill(0);
  const macKeys = new Map<string, KeyObject>();
  let dropped = false;
  let seals = 0;

  const checkHeld = () => {
    if (dropped) throw new VaultError("unavailable", "the key was dropped from memory; ask the vault again");
  };

  return {
    seal(context, plaintext) {
      checkHeld();
      if (seals >= sealLimit) {
        throw new VaultError("unavailable", "the key has sealed as much as it may; it must be rotated");
      }
      seals += 1;
      return sealBox(newest.key, newest.header, associate(newest.identity, context), plaintext);
    },
    open(context, sealed) {
      checkHeld();
      if (sealed.length < HEADER_BYTES || sealed[0] !== FORMAT) throw tampered();
      const version = new DataView(sealed.buffer, sealed.byteOffset).getUint32(1);
      const known = sealing.get(version);
      if (!known) throw tampered();
      return openBox(known.key, HEADER_BYTES, associate(known.identity, context), sealed);
    },
    mac(label, data) {
      checkHeld();
      let key = macKeys.get(label);
      if (!key) {
        key = secretKey(deriveKey(root, "mac", label));
        macKeys.set(label, key);
      }
      return new Uint8Array(createHmac("sha256", key).update(data).digest());
    },
    drop() {
      dropped = true;
      root.fill(0);
      sealing.clear();
      macKeys.clear();
    },
  };
}

/** Takes ownership of the bytes: they are zero afterwards. */
function secretKey(bytes: Buffer): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

/** The sealing key, separate from the MAC key, with the associated data of each seal. */
function sealingKey(partition: string, use: KeyUse, version: number, bytes: Uint8Array) {
  const header = new Uint8Array(HEADER_BYTES);
  header[0] = FORMAT;
  new DataView(header.buffer).setUint32(1, version);
  const id = Buffer.from(JSON.stringify([partition, use]));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(id.length);
  // The length delimits the id, so that id and context cannot be shifted against each other.
  return { key: secretKey(deriveKey(bytes, "seal")), header, identity: Buffer.concat([header, length, id]) };
}

function associate(identity: Buffer, context: string): Buffer {
  // Lone surrogates would all become the same replacement character, and two contexts one.
  if (!context.isWellFormed()) throw new VaultError("invalid", "a context must be a well-formed string");
  return Buffer.concat([identity, Buffer.from(context)]);
}
