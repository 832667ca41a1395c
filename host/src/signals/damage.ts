import type { DamageReporter } from "@wellapi/runtime";
import { type Store, StoreError } from "@wellapi/store";

/**
 * The store, with damage of its file reported once for each collection; `wellapi check` finds the place in the file.
 * The name of the service identifies the file, because paths must not be shown.
 */
export function reportDamage<S extends Store>(store: S, damage: DamageReporter): S {
  const told = async <T>(collection: string, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof StoreError && error.code === "damaged") {
        damage.report({ collection, document: [], what: error.message }, error);
      }
      throw error;
    }
  };
  return {
    ...store,
    commit: (commit) => told(commit.changes[0]?.collection ?? "outbox", store.commit(commit)),
    get: (collection, key) => told(collection, store.get(collection, key)),
    scan: (collection, scan) => told(collection, store.scan(collection, scan)),
    count: (collection) => told(collection ?? "outbox", store.count(collection)),
    readOutbox: (limit) => told("outbox", store.readOutbox(limit)),
    deleteOutbox: (positions) => told("outbox", store.deleteOutbox(positions)),
  };
}
