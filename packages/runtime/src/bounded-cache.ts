import { LRUCache } from "lru-cache";
import { seriesAttributes } from "./instruments.ts";
import { observeCounter } from "./metrics.ts";

/** A cache that holds at most its capacity; what was not used for longest goes first. */
export interface BoundedCache<V extends {}> {
  /** Counts as a use, and as a hit or a miss. */
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  clear(): void;
  /** The latest used first. */
  readonly entries: Iterable<readonly [string, V]>;
  readonly size: number;
  readonly counts: Readonly<CacheCounts>;
}

export interface CacheCounts {
  hits: number;
  misses: number;
}

export interface BoundedCacheOptions<V extends {}> {
  /** Tells its counts apart in the metric `wellapi.cache.lookups`. Caches of one name are counted together. */
  readonly name: string;
  /** Entries, or the sum of their weights where `weigh` is given. */
  readonly capacity: number;
  /** An integer above 0. A value that weighs more than the capacity is not kept. */
  readonly weigh?: (value: V) => number;
  /** Sees each value that leaves: evicted, replaced by another, or deleted. */
  readonly onDrop?: (value: V, key: string) => void;
}

const countsByName = new Map<string, CacheCounts>();

export function createBoundedCache<V extends {}>(options: BoundedCacheOptions<V>): BoundedCache<V> {
  const { name, capacity, weigh = () => 1, onDrop } = options;
  const counts = countsByName.get(name) ?? { hits: 0, misses: 0 };
  countsByName.set(name, counts);
  const cache = new LRUCache<string, V>({
    // By size also where each entry counts as one: with `max`, room for all of them is taken at once (14 MB and 100 ms for half a million).
    maxSize: capacity,
    sizeCalculation: weigh,
    ...(onDrop === undefined ? {} : { dispose: onDrop }),
  });
  return {
    get(key) {
      const value = cache.get(key);
      if (value === undefined) counts.misses += 1;
      else counts.hits += 1;
      return value;
    },
    set: (key, value) => void cache.set(key, value),
    delete: (key) => void cache.delete(key),
    clear: () => cache.clear(),
    get entries() {
      return cache.entries() as Iterable<[string, V]>;
    },
    get size() {
      return cache.size;
    },
    counts,
  };
}

/** Exports the counts of every cache, until the function given back is called. */
export function observeCaches(): () => void {
  return observeCounter("cacheLookups", () =>
    [...countsByName].flatMap(([cache, { hits, misses }]) => [
      {
        value: hits,
        attributes: { [seriesAttributes.cache]: cache, [seriesAttributes.cacheOutcome]: "hit" },
      },
      {
        value: misses,
        attributes: { [seriesAttributes.cache]: cache, [seriesAttributes.cacheOutcome]: "miss" },
      },
    ]),
  );
}
