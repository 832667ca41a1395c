import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock, DamageReporter } from "@wellapi/runtime";
import { encodeId, systemClock } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import { VaultError } from "./errors.ts";
import { createKeyCache } from "./key-cache.ts";
import { createKeyRepository, KEYS_COLLECTION, type KeyRepository, wrapContext } from "./key-repository.ts";
import type { DroppablePatientKey, KeyVersion } from "./patient-key.ts";
import { createPatientKey } from "./patient-key.ts";
import type { KeyUse, Kms, Vault } from "./port.ts";

export interface VaultOptions {
  /** Where wrapped keys are stored: a store that declares `vaultCollections`, or a repository in another process. */
  readonly store: Store | KeyRepository;
  readonly kms: Kms;
  readonly clock?: Clock;
  /**
   * How many unwrapped keys the cache holds; default 4,096. An evicted key is overwritten like a forgotten one, so
   * the capacity must exceed the number of patients that are worked on at the same time.
   */
  readonly cacheKeys?: number;
  /** Gets wrapped keys that do not unwrap. */
  readonly damage?: DamageReporter;
}

export interface OpenVault extends Vault {
  /** Overwrites every key in memory. The store and the KMS stay open. */
  close(): Promise<void>;
}

const DEFAULT_CACHE_KEYS = 4096;

/**
 * Opens the vault. Throws `invalid` where the KMS holds another master key than the one that wrapped the stored keys:
 * with a lost or swapped key file no stored key opens, and newly sealed data would hide the loss.
 */
export async function openVault(options: VaultOptions): Promise<OpenVault> {
  const { store, kms, clock = systemClock, cacheKeys = DEFAULT_CACHE_KEYS, damage } = options;
  const repository = "commit" in store ? createKeyRepository(store) : store;
  const keys = createKeyCache(cacheKeys, (partition, use) => load(repository, kms, damage, partition, use));
  await checkMasterKey(repository, kms, clock);

  return {
    async create(partition, use) {
      const bytes = randomBytes(32);
      const wrapped = await kms.wrap(bytes, wrapContext(partition, use, 1));
      bytes.fill(0);
      await repository.insert(partition, use, wrapped, clock.now());
    },
    key: keys.key,
    async keyIds(partition, use) {
      try {
        const versions = await repository.find(partition, use);
        return versions.map(({ version }) => keyIdOf(partition, use, version));
      } catch (error) {
        if (error instanceof VaultError && (error.code === "no_key" || error.code === "destroyed")) return [];
        throw error;
      }
    },
    async destroy(partition, use) {
      try {
        return await repository.destroy(partition, use, clock.now());
      } finally {
        // Also after a failure: the key may be gone from the store while its scrub has failed.
        keys.forgetOne(partition, use);
      }
    },
    forget(partition) {
      keys.forgetOne(partition, "data");
      keys.forgetOne(partition, "audit");
    },
    forgetAll: (use) => keys.forgetWhere((_, candidate) => candidate === use),
    async close() {
      keys.forgetWhere(() => true);
    },
  };
}

async function checkMasterKey(repository: KeyRepository, kms: Kms, clock: Clock): Promise<void> {
  const own = await kms.derive("vault/fingerprint");
  const stored = await repository.fingerprint(own, clock.now());
  if (own.length === stored.length && timingSafeEqual(own, stored)) return;
  throw new VaultError(
    "invalid",
    "the master key is not the one that wrapped this store's keys; restore the key file that belongs to it",
  );
}

async function load(
  repository: KeyRepository,
  kms: Kms,
  damage: DamageReporter | undefined,
  partition: string,
  use: KeyUse,
): Promise<DroppablePatientKey> {
  const wrapped = await repository.find(partition, use);
  const versions: KeyVersion[] = [];
  for (const { version, wrapped: bytes } of wrapped) {
    versions.push({ version, bytes: await unwrap(kms, damage, partition, use, version, bytes) });
  }
  return createPatientKey(partition, use, versions);
}

async function unwrap(
  kms: Kms,
  damage: DamageReporter | undefined,
  partition: string,
  use: KeyUse,
  version: number,
  wrapped: Uint8Array,
) {
  try {
    return await kms.unwrap(wrapped, wrapContext(partition, use, version));
  } catch (cause) {
    if (!(cause instanceof VaultError && cause.code === "tampered")) throw cause;
    const document = [partition, use, String(version)];
    damage?.report({ collection: KEYS_COLLECTION, document, what: "a wrapped key does not unwrap" }, cause);
    throw new VaultError("damaged", "a wrapped key of the patient does not unwrap", { cause });
  }
}

/**
 * 128 bits of a hash of the key's place. The place holds 128 random bits, so the hash cannot be reversed by guessing.
 */
function keyIdOf(partition: string, use: KeyUse, version: number): string {
  const digest = hash("sha256", `wellapi key ${wrapContext(partition, use, version)}`, "buffer");
  return `key_${encodeId(digest.subarray(0, 16))}`;
}
