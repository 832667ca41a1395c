import type { Change } from "@wellapi/store";
import type { Pending } from "./append-group.ts";
import type { AppendRepository } from "./append-repository.ts";
import { bindingOf } from "./vendor-account.ts";

interface Attempt {
  readonly repository: Pick<AppendRepository, "vendorAccount">;
  /** What batches before it in the same commit bind: user by account, both MACs. */
  readonly bound: Map<string, string>;
}

/**
 * What a batch of a vendor's document changes in the binding of its patient. `other`: it is somebody else's. `later`: a batch of
 * the same commit binds the account, so this one waits for the next attempt.
 *
 * @param stores whether anything of the batch is stored; else it binds nothing
 */
export async function bindingChanges(
  { repository, bound }: Attempt,
  { subject, organization, batch }: Pending,
  stores: boolean,
): Promise<Change[] | "other" | "later"> {
  if (batch.vendorAccount === undefined) return [];
  const { partition } = subject;
  const { names, stored } = await repository.vendorAccount(partition, organization, batch.vendorAccount);
  const before = bound.get(names.account) ?? stored?.document.user;
  const binding = bindingOf(names, before, batch.vendorAccount.rebind);
  if (binding === "other") return "other";
  if (binding === "bound" || !stores) return [];
  if (bound.has(names.account)) return "later";
  bound.set(names.account, names.user);
  const document = { partition, ...names };
  return stored === undefined
    ? [{ kind: "insert", collection: "vendor_accounts", document }]
    : [{ kind: "replace", collection: "vendor_accounts", document, ifRevision: stored.revision }];
}
