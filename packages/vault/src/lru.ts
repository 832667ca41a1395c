/**
 * A map that holds at most `capacity` entries and evicts the least recently used. Use is not tracked while the map is
 * less than half full.
 */
export interface Lru<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  readonly entries: Iterable<readonly [string, V]>;
}

/** `onDrop` sees each value that leaves: evicted, replaced or deleted. */
export function createLru<V>(capacity: number, onDrop: (value: V) => void): Lru<V> {
  // A Map iterates in insertion order: a hit is inserted again, so that the first entry is the oldest.
  const map = new Map<string, V>();
  const drop = (key: string) => {
    const value = map.get(key);
    if (!map.delete(key)) return;
    onDrop(value as V);
  };
  return {
    get(key) {
      const value = map.get(key);
      if (value === undefined || map.size * 2 <= capacity) return value;
      map.delete(key);
      map.set(key, value);
      return value;
    },
    set(key, value) {
      drop(key);
      map.set(key, value);
      if (map.size > capacity) drop(map.keys().next().value as string);
    },
    delete: drop,
    entries: map,
  };
}
