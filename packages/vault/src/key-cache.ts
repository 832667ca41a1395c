import { createBoundedCache } from "@wellapi/runtime";
import type { DroppablePatientKey } from "./patient-key.ts";
import type { KeyUse, PatientKey } from "./port.ts";

/** Keys in memory. Each is loaded once for all who ask for it at the same time. */
export interface KeyCache {
  /** Throws what loading throws. */
  key(partition: string, use: KeyUse): Promise<PatientKey>;
  /** Overwrites the key in memory. One that is being loaded is given to nobody. */
  forgetOne(partition: string, use: KeyUse): void;
  forgetWhere(match: (partition: string, use: KeyUse) => boolean): void;
}

interface Loading {
  readonly partition: string;
  readonly use: KeyUse;
  readonly key: Promise<DroppablePatientKey>;
  /** Set when the key is forgotten while it is being loaded: what was read may be outdated. */
  stale: boolean;
}

export function createKeyCache(
  capacity: number,
  load: (partition: string, use: KeyUse) => Promise<DroppablePatientKey>,
): KeyCache {
  const cache = createBoundedCache<DroppablePatientKey>({
    name: "patient-keys",
    capacity,
    onDrop: (key) => key.drop(),
  });
  const loading = new Map<string, Loading>();

  /** Puts the key into the cache once it is there, unless it was forgotten meanwhile. */
  function settle(name: string, entry: Loading): void {
    const done = () => {
      if (loading.get(name) === entry) loading.delete(name);
    };
    entry.key.then((loaded) => {
      done();
      if (entry.stale) loaded.drop();
      else cache.set(name, loaded);
    }, done);
  }

  return {
    async key(partition, use) {
      const name = cacheName(partition, use);
      for (;;) {
        const cached = cache.get(name);
        if (cached) return cached;
        let entry = loading.get(name);
        if (!entry) {
          entry = { partition, use, key: load(partition, use), stale: false };
          loading.set(name, entry);
          settle(name, entry);
        }
        const loaded = await entry.key;
        if (!entry.stale) return loaded;
      }
    },

    forgetWhere(match) {
      for (const [name, entry] of loading) {
        if (!match(entry.partition, entry.use)) continue;
        entry.stale = true;
        loading.delete(name);
      }
      for (const [name] of [...cache.entries]) {
        const [partition, use] = JSON.parse(name) as [string, KeyUse];
        if (match(partition, use)) cache.delete(name);
      }
    },

    forgetOne(partition, use) {
      const name = cacheName(partition, use);
      const entry = loading.get(name);
      if (entry) entry.stale = true;
      loading.delete(name);
      cache.delete(name);
    },
  };
}

function cacheName(partition: string, use: KeyUse): string {
  return JSON.stringify([partition, use]);
}
