import type { Document, Page, Store, Stored } from "@wellapi/store";

export type Reads = Pick<Store, "get" | "scan">;

/**
 * Reads that are asked for in the same moment are asked of the store once: a commit wakes all who watch the patient, and
 * each asks the same. Nobody gets what was read before he asked, because a moment is over before the next event is. Those
 * who share a read share its documents.
 */
export function shareReads(store: Reads): Reads {
  const asked = new Map<string, Promise<unknown>>();

  function once<T>(name: readonly unknown[], read: () => Promise<T>): Promise<T> {
    const key = JSON.stringify(name);
    const known = asked.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const answer = read();
    asked.set(key, answer);
    queueMicrotask(() => asked.delete(key));
    return answer;
  }

  return {
    get: <D extends Document>(collection: string, key: Parameters<Reads["get"]>[1]) =>
      once(["get", collection, key], () => store.get<D>(collection, key)) as Promise<Stored<D> | undefined>,
    scan: <D extends Document>(collection: string, scan: Parameters<Reads["scan"]>[1]) =>
      once(["scan", collection, scan], () => store.scan<D>(collection, scan)) as Promise<Page<D>>,
  };
}
