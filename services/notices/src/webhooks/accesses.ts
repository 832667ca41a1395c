import type { DescMethod } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { type AccessLog, createLoggedCalls } from "@wellapi/access-log";
import { type Caller, callerKey } from "@wellapi/rpc";
import type { Store } from "@wellapi/store";
import type { Pairwise } from "@wellapi/vault";
import { noticesError } from "../errors.ts";
import type { CommitCall } from "./endpoint-repository.ts";

/** Whose webhooks a call is about. */
export interface Owner {
  readonly caller: Caller;
  readonly organization: string;
  /** The partition of the organization's feed. */
  readonly feed: string;
}

export interface Accesses {
  /** Throws `not_an_organizations_own`. */
  ownerOf(context: HandlerContext): Owner;
  /** Runs a call that leaves an entry in the log, in the commit of its change where it makes one. Throws as `ownerOf`. */
  logged<T>(
    context: HandlerContext,
    method: DescMethod,
    requestId: string,
    work: (owner: Owner, commit: CommitCall) => Promise<T>,
  ): Promise<T>;
}

export function createAccesses(deps: {
  readonly store: Store;
  readonly accessLog: AccessLog;
  readonly pairwise: Pairwise;
  readonly feedOf: (organization: string) => string;
}): Accesses {
  const { store, accessLog, pairwise, feedOf } = deps;

  function ownerOf(context: HandlerContext): Owner {
    const caller = context.values.get(callerKey);
    const { kind, organization, onlyPatient } = caller.principal;
    // An application's token for one patient is that patient's grant, and not for where other patients' events go.
    const own = (kind === "application" && onlyPatient === undefined) || kind === "member";
    if (!own || organization === undefined) throw noticesError("not_an_organizations_own");
    return { caller, organization, feed: feedOf(organization) };
  }

  return {
    ownerOf,
    logged(context, method, requestId, work) {
      const owner = ownerOf(context);
      const { feed: partition } = owner;
      const calls = createLoggedCalls({ accessLog, pairwise, home: partition });
      return calls.run(context, method, requestId, ({ leaf, committed }) =>
        work(owner, async (changes) => {
          const result = await store.commit({ partition, changes: [...changes, leaf(undefined).change] });
          if (result.committed) committed();
          return result.committed;
        }),
      );
    },
  };
}
