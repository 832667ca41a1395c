import type { Entry, Fact } from "@wellapi/journal";
import type { Store } from "@wellapi/store";
import { collections } from "../collections.ts";
import type { CommitWithLeaf } from "../creation.ts";
import type { Account } from "./account.ts";
import { accountPartition } from "./account.ts";
import type { AccountRepository } from "./account-repository.ts";

const prefix = accountPartition("");

/** The journal's fact for a session that was ended, or a passkey that was removed: a restore must not let it in again. */
export function endOf(account: string, id: string, time: number): Fact {
  return { kind: "credential_revoked", partition: accountPartition(account), subject: id, time };
}

export function isOfAccount({ kind, partition }: Pick<Entry, "kind" | "partition">): boolean {
  return kind === "credential_revoked" && partition.startsWith(prefix);
}

/** The ids of the passkeys that a change takes away. */
export function removedPasskeys(before: Account, after: Account): readonly string[] {
  const stay = new Set(after.passkeys.map(({ id }) => id));
  return before.passkeys.map(({ id }) => id).filter((id) => !stay.has(id));
}

/** Applies such an entry to data that came from a backup. What the data does not have needs no end. */
export async function replayEndOf(
  deps: { readonly store: Store; readonly accounts: AccountRepository },
  { partition, subject }: Pick<Entry, "partition" | "subject">,
  commit: CommitWithLeaf,
): Promise<void> {
  const { store, accounts } = deps;
  if (subject.startsWith("ses_")) {
    const key = [partition, subject];
    if ((await store.get(collections.sessions, key)) === undefined) return;
    await commit({ partition, changes: [{ kind: "delete", collection: collections.sessions, key }] });
    return;
  }
  const id = partition.slice(prefix.length);
  const found = await accounts.find(id);
  if (!found?.account.passkeys.some((passkey) => passkey.id === subject)) return;
  await commit({ partition, changes: [] });
  await accounts.amend(id, (account) => ({
    account: { ...account, passkeys: account.passkeys.filter((passkey) => passkey.id !== subject) },
  }));
}
