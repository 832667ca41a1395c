import { type AccessLog, createLoggedCalls, type RunLogged } from "@wellapi/access-log";
import type { Change, Store } from "@wellapi/store";
import type { Pairwise } from "@wellapi/vault";
import { INSTALLATION } from "./collections.ts";
import { noticesError } from "./errors.ts";

/** One call that changes how a patient is told, which leaves an entry in the log. */
export interface Call {
  /** The patient's partition. */
  readonly partition: string;
  /** Commits a change together with the call's leaf. False: something else changed meanwhile. */
  commit(changes: readonly Change[]): Promise<boolean>;
}

/** Runs calls of patients, and of those who act for them. */
export function createAccesses(deps: {
  readonly store: Store;
  readonly accessLog: AccessLog;
  readonly pairwise: Pairwise;
}): RunLogged<Call> {
  const { store, accessLog, pairwise } = deps;
  const calls = createLoggedCalls({ accessLog, pairwise, home: INSTALLATION });
  return (context, method, requestId, work) =>
    calls.run(context, method, requestId, ({ caller, about, leaf, committed }) => {
      const { kind, id, partition } = caller.principal;
      if (kind !== "patient" || partition === undefined) throw noticesError("not_permitted");
      const patient = { id, partition };
      about(patient);
      return work({
        partition,
        async commit(changes) {
          const result = await store.commit({ partition, changes: [...changes, leaf(patient).change] });
          if (result.committed) committed();
          return result.committed;
        },
      });
    });
}
