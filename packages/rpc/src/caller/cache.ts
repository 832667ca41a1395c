import { hash } from "node:crypto";
import { type Clock, createBoundedCache } from "@wellapi/runtime";

/** A bounded cache whose entries expire; when full, it drops the least recently used. */
export interface Cache<V> {
  get(key: string): V | undefined;
  /** `ttlMs` counts on the monotonic clock. */
  set(key: string, value: V, ttlMs: number): void;
  delete(key: string): void;
  clear(): void;
}

export function createCache<V>(name: string, capacity: number, clock: Clock): Cache<V> {
  const cache = createBoundedCache<{ readonly value: V; readonly until: number }>({ name, capacity });
  return {
    get(key) {
      const entry = cache.get(key);
      if (entry === undefined || clock.monotonic() < entry.until) return entry?.value;
      cache.delete(key);
      return undefined;
    },
    set: (key, value, ttlMs) => cache.set(key, { value, until: clock.monotonic() + ttlMs }),
    delete: cache.delete,
    clear: cache.clear,
  };
}

/** The cache key of a secret: its SHA-256, so that no cache holds the secret itself as a key. */
export function fingerprint(secret: string | Uint8Array): string {
  return hash("sha256", secret, "base64");
}
