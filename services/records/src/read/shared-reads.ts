import type { Document, Page, Store, Stored } from "@wellapi/store";

export type Reads = Pick<Store, "get" | "scan">;

/**
 * Shares reads of one turn of the event loop, so that the store gets each once: a commit wakes all watches of the
 * patient, and each reads the same. No reader gets data that was read before its request, because a turn ends before
 * the next event. Readers who share a read share its documents.
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
