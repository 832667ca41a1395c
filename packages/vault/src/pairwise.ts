import type { Cipheriv, Decipheriv } from "node:crypto";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { createBoundedCache, decodeId, encodeId } from "@wellapi/runtime";
import { deriveKey } from "./derivation.ts";
import { VaultError } from "./errors.ts";
import type { Pairwise } from "./port.ts";

export interface PairwiseOptions {
  /** 32 bytes, `await kms.derive("pairwise")`. Every pairwise id that was ever given out depends on it. */
  readonly secret: Uint8Array;
  /** How many parties and prefixes have their key cached; default 1,024. */
  readonly cacheKeys?: number;
}

interface Permutation {
  readonly forward: Cipheriv;
  readonly backward: Decipheriv;
}

const DEFAULT_CACHE_KEYS = 1024;
const prefixPattern = /^[a-z]{3}$/;

/**
 * Pairwise ids without a table: an id is one block, and AES permutes blocks. ECB is right here, and only here:
 * one block a call, random input, and equal ids must give equal ids.
 */
export function createPairwise(options: PairwiseOptions): Pairwise {
  const { secret, cacheKeys = DEFAULT_CACHE_KEYS } = options;
  if (secret.length !== 32) throw new VaultError("invalid", "the secret of pairwise ids has 32 bytes");
  const permutations = createBoundedCache<Permutation>({ name: "pairwise", capacity: cacheKeys });

  function permutation(party: string, prefix: string): Permutation {
    const name = JSON.stringify([party, prefix]);
    const cached = permutations.get(name);
    if (cached) return cached;
    const key = deriveKey(secret, "pairwise", party, prefix);
    // Without padding and chaining each update is one independent block, so the two objects are reused for ever.
    const created = {
      forward: createCipheriv("aes-256-ecb", key, null).setAutoPadding(false),
      backward: createDecipheriv("aes-256-ecb", key, null).setAutoPadding(false),
    };
    key.fill(0);
    permutations.set(name, created);
    return created;
  }

  return {
    outward(party, internalId) {
      const id = parseId(internalId);
      if (!id) throw new VaultError("invalid", "an internal id is malformed");
      return `${id.prefix}_${encodeId(permutation(party, id.prefix).forward.update(id.block))}`;
    },
    inward(party, prefix, outwardId) {
      const id = parseId(outwardId);
      if (id?.prefix !== prefix) return undefined;
      return `${prefix}_${encodeId(permutation(party, prefix).backward.update(id.block))}`;
    },
  };
}

function parseId(id: string): { prefix: string; block: Uint8Array } | undefined {
  const prefix = id.slice(0, 3);
  if (id[3] !== "_" || !prefixPattern.test(prefix)) return undefined;
  const block = decodeId(id.slice(4));
  return block && { prefix, block };
}
