import { hash } from "node:crypto";
import type { Clock } from "@wellapi/runtime";

/** A bounded cache whose entries end; when full, the one that was not used for longest goes. */
export interface Cache<V> {
  get(key: string): V | undefined;
  /** `ttlMs` counts on the monotonic clock. */
  set(key: string, value: V, ttlMs: number): void;
  delete(key: string): void;
  clear(): void;
}

export function createCache<V>(capacity: number, clock: Clock): Cache<V> {
  const entries = new Map<string, { value: V; until: number }>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (clock.monotonic() >= entry.until) {
        entries.delete(key);
        return undefined;
      }
      // A Map keeps insertion order: used last, out last. While there is room, the order does not matter.
      if (entries.size * 2 > capacity) {
        entries.delete(key);
        entries.set(key, entry);
      }
      return entry.value;
    },
    set(key, value, ttlMs) {
      entries.delete(key);
      entries.set(key, { value, until: clock.monotonic() + ttlMs });
      if (entries.size > capacity) entries.delete(entries.keys().next().value!);
    },
    delete(key) {
      entries.delete(key);
    },
    clear() {
      entries.clear();
    },
  };
}

/** What a secret is filed under: its SHA-256, so that no cache holds the secret itself as a key. */
export function fingerprint(secret: string | Uint8Array): string {
  return hash("sha256", secret, "base64");
}
