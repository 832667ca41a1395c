import type { Logger } from "@wellapi/runtime";
import {
  type Change,
  type CollectionDeclaration,
  type Document,
  type Store,
  type Stored,
  StoreError,
  scanPages,
} from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import type { Consent } from "./consent.ts";
import {
  consentDocument,
  consentRevisions,
  consents,
  currentConsents,
  currentDocument,
  isInClear,
  type Revision,
  requestMacOf,
  revisionDocument,
} from "./consent-documents.ts";
import type { ConsentSealing } from "./consent-sealing.ts";

/** One document for each migration of the documents that is done. */
export const migrations: CollectionDeclaration = {
  name: "consent_migrations",
  key: ["partition", "migration"],
  indexes: [],
};
const migrationPartition = "consent";
const migration = "sealed";

/** Documents of format 2. `request_id` is a digest without a key, and `request_digest` says what was asked for. */
type ClearConsent = Document & {
  readonly content: Consent;
  readonly request_id: string;
  readonly request_digest: string;
};
type ClearRevision = Document & { readonly revision: Revision };

/** How many documents are read at once; those of one patient are one commit. */
const documentsAtOnce = 256;

export interface MigrationDeps {
  readonly store: Store;
  readonly sealing: ConsentSealing;
  readonly log: Logger;
}

/**
 * Seals what format 2 stored in clear, once, before the service serves. Each commit turns some documents of one patient into
 * their sealed form, and a document that is sealed already is left alone: after a crash the next start goes on, and replicas
 * may do it at the same time. Etags, times and ids stay. At last the files are scrubbed of the clear form; a scrub that fails
 * is repeated at the next start.
 */
export async function sealStoredConsents(deps: MigrationDeps): Promise<void> {
  const { store, log } = deps;
  if (await store.get(migrations.name, [migrationPartition, migration])) return;
  let sealed = 0;
  for (const collection of [currentConsents, consents, consentRevisions]) {
    for (let pass = await sealCollection(deps, collection); ; pass = await sealCollection(deps, collection)) {
      sealed += pass.sealed;
      if (!pass.conflict) break;
    }
  }
  if (sealed > 0) log.info({ documents: sealed }, "consents of an earlier version were sealed");
  if (!(await scrubbed(deps))) return;
  const document = { partition: migrationPartition, migration };
  const changes = [{ kind: "insert", collection: migrations.name, document } as const];
  // Refused where another replica was faster.
  await store.commit({ partition: migrationPartition, changes });
}

/** `conflict`: another replica changed some of the documents meanwhile, so they have to be looked at again. */
async function sealCollection({ store, sealing }: MigrationDeps, { name, key }: CollectionDeclaration) {
  const outcome = { sealed: 0, conflict: false };
  const scan = { equals: [], limit: documentsAtOnce };
  for await (const { documents } of scanPages<Document>(store, name, scan)) {
    const byPatient = Map.groupBy(documents.filter(isClear), ({ document }) => document.partition);
    await Promise.all(
      [...byPatient].map(async ([partition, clear]) => {
        const patientKey = await sealing.key(partition);
        const changes = clear.map((one) => sealedChange(name, key, sealing, patientKey, one));
        const { committed } = await store.commit({ partition, changes });
        if (committed) outcome.sealed += changes.length;
        else outcome.conflict = true;
      }),
    );
  }
  return outcome;
}

function isClear({ document }: Stored): boolean {
  return isInClear(document) || document.content !== undefined || document.revision !== undefined;
}

/** Without a key its patient's retention is over, and the document goes. */
function sealedChange(
  collection: string,
  keyFields: readonly string[],
  { tagOf }: ConsentSealing,
  key: PatientKey | undefined,
  { document, revision: ifRevision }: Stored,
): Change {
  const { partition } = document;
  const replaced = (next: Document): Change => ({ kind: "replace", collection, document: next, ifRevision });
  if (isInClear(document)) return replaced(currentDocument(key, partition, document.current));
  if (key === undefined) {
    return {
      kind: "delete",
      collection,
      key: keyFields.map((field) => document[field] as string),
      ifRevision,
    };
  }
  if (collection === consentRevisions.name) {
    return replaced(revisionDocument(key, partition, (document as ClearRevision).revision));
  }
  const { content, request_id, request_digest } = document as ClearConsent;
  const requestMac = requestMacOf(key, request_id);
  return replaced(
    consentDocument(key, tagOf, partition, { content, requestDigest: request_digest }, requestMac),
  );
}

/** Whether no file holds the clear form any more, as far as this engine can tell. */
async function scrubbed({ store, log }: MigrationDeps): Promise<boolean> {
  try {
    await store.scrub();
    return true;
  } catch (err) {
    // MongoDB cannot scrub: docs/operations.md (Upgrade) says what its operator does.
    if (err instanceof StoreError && err.code === "invalid") return true;
    log.warn(
      { err },
      "the files of consents could not be scrubbed of what was in clear; the next start tries again",
    );
    return false;
  }
}
