import { createHistogram, seriesAttributes } from "@wellapi/runtime";
import { type Store, StoreError } from "@wellapi/store";

/** The store, with the duration of each commit measured. A refusal (duplicate, conflict) is not a failure. */
export function measureCommits(store: Store, engine: "mongodb" | "sqlite", name: string): Store {
  const duration = createHistogram("commitDuration");
  const attributes = {
    [seriesAttributes.engine]: engine,
    [seriesAttributes.store]: name,
    [seriesAttributes.operation]: "commit",
  };
  const seconds = (from: number) => (performance.now() - from) / 1_000;
  return {
    ...store,
    async commit(commit) {
      const started = performance.now();
      try {
        const result = await store.commit(commit);
        duration.record(seconds(started), attributes);
        return result;
      } catch (error) {
        const type = error instanceof StoreError ? error.code : "_OTHER";
        duration.record(seconds(started), { ...attributes, [seriesAttributes.error]: type });
        throw error;
      }
    },
  };
}
