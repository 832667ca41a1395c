import { createHistogram, currentTrace, seriesAttributes, traced, traceHeader } from "@wellapi/runtime";
import { type Commit, type Store, StoreError } from "@wellapi/store";

/**
 * The store, with the duration of each commit measured and a span for it. A refusal (duplicate, conflict) is not a failure. Events
 * of a commit carry the trace of the call that made it.
 */
export function measureCommits(store: Store, engine: "mongodb" | "sqlite", name: string): Store {
  const duration = createHistogram("commitDuration");
  const attributes = {
    [seriesAttributes.engine]: engine,
    [seriesAttributes.store]: name,
    [seriesAttributes.operation]: "commit",
  };
  const work = { name: `commit ${name}`, kind: "client", attributes } as const;
  const seconds = (from: number) => (performance.now() - from) / 1_000;
  return {
    ...store,
    async commit(commit) {
      const started = performance.now();
      try {
        const result = await traced(work, () => store.commit(withTrace(commit)));
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

function withTrace(commit: Commit): Commit {
  const trace = commit.events?.length ? currentTrace() : undefined;
  if (trace === undefined) return commit;
  const events = commit.events!.map((event) => ({
    ...event,
    headers: { ...event.headers, [traceHeader]: trace },
  }));
  return { ...commit, events };
}
