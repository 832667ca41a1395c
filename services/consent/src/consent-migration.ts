import type { Logger } from "@wellapi/runtime";
import { type Change, type Document, migrateDocuments, type Store, type Stored } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import {
  consentDocument,
  consentRevisions,
  consents,
  currentConsents,
  currentDocument,
  isClearConsent,
  isClearCurrent,
  isClearRevision,
  requestMacIn,
  revisionDocument,
} from "./consent-documents.ts";
import type { ConsentSealing } from "./consent-sealing.ts";

/**
 * Seals what format 2 stored in clear. Etags, times and ids stay. False where some could not be sealed because of damage: they
 * are missing in indexes by organization. Throws StoreError, VaultError.
 */
export async function sealStoredConsents(deps: {
  readonly store: Store;
  readonly sealing: ConsentSealing;
  readonly log: Logger;
}): Promise<boolean> {
  const { store, sealing, log } = deps;
  const { changed, whole } = await migrateDocuments({
    store,
    name: "consents_sealed",
    collections: [currentConsents, consents, consentRevisions],
    async change({ name, key: fields }, partition, documents) {
      const clear = documents.filter(isClear);
      if (clear.length === 0) return [];
      const key = await sealing.key(partition);
      return clear.map(({ document, revision: ifRevision }): Change => {
        const next = sealedForm(sealing, key, document);
        if (next !== undefined) return { kind: "replace", collection: name, document: next, ifRevision };
        return {
          kind: "delete",
          collection: name,
          key: fields.map((field) => document[field] as string),
          ifRevision,
        };
      });
    },
    onIncomplete: (err) =>
      log.error(
        { err },
        "some consents may still lie in clear: run `wellapi check`; the next start tries again",
      ),
  });
  if (changed > 0) log.info({ count: changed }, "consents of an earlier version were sealed");
  return whole;
}

function isClear({ document }: Stored): boolean {
  return isClearCurrent(document) || isClearConsent(document) || isClearRevision(document);
}

/** Undefined where the key was destroyed: the retention of the document is over. */
function sealedForm(
  { tagOf }: ConsentSealing,
  key: PatientKey | undefined,
  document: Document,
): Document | undefined {
  const { partition } = document;
  if (isClearCurrent(document)) return currentDocument(key, partition, document.current);
  if (key === undefined) return undefined;
  if (isClearRevision(document)) return revisionDocument(key, partition, document.revision);
  if (!isClearConsent(document)) return document;
  const { content, request_digest: requestDigest } = document;
  return consentDocument(key, tagOf, partition, { content, requestDigest }, requestMacIn(key, document));
}
