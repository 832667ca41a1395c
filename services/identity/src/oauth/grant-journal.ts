import type { Entry, Fact } from "@wellapi/journal";
import type { Store } from "@wellapi/store";
import { collections, INSTALLATION } from "../collections.ts";
import type { CommitWithLeaf } from "../creation.ts";
import type { Grant } from "./grant.ts";

/** The journal's fact for a grant that a person ended: a restore must not let its tokens in again. */
export function endOfGrantFact({ id, partition = INSTALLATION }: Grant, time: number): Fact {
  return { kind: "credential_revoked", partition, subject: id, time };
}

export function isOfGrant({ kind, subject }: Pick<Entry, "kind" | "subject">): boolean {
  return kind === "credential_revoked" && subject.startsWith("grn_");
}

/** Applies such an entry to data that came from a backup. The states that stood on the grant are refused without it. */
export async function replayEndOfGrant(
  store: Store,
  { partition, subject }: Pick<Entry, "partition" | "subject">,
  commit: CommitWithLeaf,
): Promise<void> {
  const collection = collections.oauthGrants;
  const key = [partition, subject];
  if ((await store.get(collection, key)) === undefined) return;
  await commit({ partition, changes: [{ kind: "delete", collection, key }] });
}
