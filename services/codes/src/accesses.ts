import { type AccessLog, createLoggedCalls, type RunLogged } from "@wellapi/access-log";
import type { Store } from "@wellapi/store";
import type { Pairwise } from "@wellapi/vault";
import { INSTALLATION } from "./collections.ts";

/** One call that leaves an entry in the log. */
export interface Call {
  /** Commits a change together with the call's leaf. */
  readonly commit: Store["commit"];
}

/** Runs calls that change what is loaded: each leaves an entry, which commits with its change. */
export function createAccesses(deps: {
  readonly store: Store;
  readonly accessLog: AccessLog;
  readonly pairwise: Pairwise;
}): RunLogged<Call> {
  const { store, accessLog, pairwise } = deps;
  const calls = createLoggedCalls({ accessLog, pairwise, home: INSTALLATION });
  return (context, method, requestId, work) =>
    calls.run(context, method, requestId, ({ leaf, committed }) =>
      work({
        async commit(change) {
          const result = await store.commit({
            ...change,
            changes: [...change.changes, leaf(undefined).change],
          });
          if (result.committed) committed();
          return result;
        },
      }),
    );
}
