import type { Logger } from "@wellapi/runtime";
import { type Change, migrateDocuments, type Store } from "@wellapi/store";
import { accessesCollection, type StoredAccess } from "./access-repository.ts";
import { type AccessSealing, isTag } from "./access-sealing.ts";

/**
 * Puts tags in the place of organizations' ids, which version 1 stored in clear beside the patient's partition. False where
 * damage prevents it for some: they are missing in lists of organizations. Throws StoreError.
 */
export async function tagStoredAccesses(deps: {
  readonly store: Store;
  readonly sealing: Pick<AccessSealing, "tagOf">;
  readonly log: Logger;
}): Promise<boolean> {
  const { store, sealing, log } = deps;
  const { changed, whole } = await migrateDocuments({
    store,
    name: "accesses_tagged",
    collections: [accessesCollection],
    change: async ({ name: collection }, _partition, documents) =>
      documents.flatMap(({ document, revision: ifRevision }): Change[] => {
        const { organization } = document as StoredAccess;
        if (organization === undefined || isTag(organization)) return [];
        const tagged = { ...document, organization: sealing.tagOf(organization) };
        return [{ kind: "replace", collection, document: tagged, ifRevision }];
      }),
    onIncomplete: (err) =>
      log.error(
        { err },
        "some accesses may still name organizations in clear: run `wellapi check`; the next start tries again",
      ),
  });
  if (changed > 0) log.info({ count: changed }, "accesses of an earlier version were tagged");
  return whole;
}
