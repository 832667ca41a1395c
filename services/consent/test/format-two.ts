import { leavesCollection } from "@wellapi/access-log";
import { journalCollections } from "@wellapi/journal";
import type { Change, CollectionDeclaration, Store } from "@wellapi/store";
import type { Consent, CurrentConsents } from "../src/consent.ts";
import { digest } from "../src/etag.ts";

/**
 * What format 2 stored, as its program wrote it (commit de888ff). Frozen: stored data of that version must open for as long as
 * backups of it may be restored.
 */
export const format2Collections: readonly CollectionDeclaration[] = [
  { name: "current_consents", key: ["partition"], indexes: [], version: 2 },
  {
    name: "consents",
    key: ["partition", "consent"],
    indexes: [
      { name: "by_consent", fields: ["consent"], unique: true },
      { name: "by_request", fields: ["partition", "request_id"], unique: true },
      { name: "by_patient", fields: ["partition", "create_time"] },
      { name: "by_patient_unrevoked", fields: ["partition", "unrevoked", "create_time"] },
      { name: "by_grantee", fields: ["grantee", "create_time"] },
      { name: "by_grantee_unrevoked", fields: ["grantee", "unrevoked", "create_time"] },
      { name: "by_patient_and_grantee", fields: ["partition", "grantee", "create_time"] },
    ],
    version: 2,
  },
  { name: "consent_revisions", key: ["partition", "consent", "version"], indexes: [], version: 2 },
  {
    name: "pending_recalls",
    key: ["partition", "recall"],
    indexes: [{ name: "by_recall", fields: ["recall"], unique: true }],
  },
  { name: "enforcer_sessions", key: ["partition", "session"], indexes: [] },
  { name: "enforcer_session_lists", key: ["partition"], indexes: [] },
  leavesCollection,
  ...journalCollections,
];

/** A consent with what its program knew of it. */
export interface Format2Consent {
  readonly consent: Consent;
  readonly requestId: string;
  readonly requestDigest: string;
  /** Oldest first, as Revision of consent-documents.ts. */
  readonly revisions: readonly object[];
}

/** Stores a patient's consents as format 2. */
export async function storeFormat2(
  store: Store,
  partition: string,
  current: CurrentConsents,
  kept: readonly Format2Consent[],
): Promise<void> {
  const insert = (collection: string, document: object): Change => {
    return { kind: "insert", collection, document: { partition, ...document } };
  };
  const changes = kept.flatMap(({ consent, requestId, requestDigest, revisions }) => [
    insert("consents", {
      consent: consent.id,
      grantee: consent.terms.grantee,
      create_time: consent.createTime,
      unrevoked: consent.revokeTime === undefined,
      request_id: digest([partition, requestId]),
      request_digest: requestDigest,
      content: consent,
    }),
    ...revisions.map((revision, i) =>
      insert("consent_revisions", { consent: consent.id, version: i + 1, revision }),
    ),
  ]);
  const result = await store.commit({
    partition,
    changes: [insert("current_consents", { format: 2, current }), ...changes],
  });
  if (!result.committed) throw new Error("the consents of format 2 could not be stored");
}
