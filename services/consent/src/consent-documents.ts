import type { CollectionDeclaration, Document, Store, Stored } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import type { Author, Consent, CurrentConsents } from "./consent.ts";
import { type ConsentSealing, type Place, sealContent } from "./consent-sealing.ts";
import { ConsentError } from "./errors.ts";

/**
 * The stored documents, all in the patient's partition. What consents say is sealed under the patient's audit key. In clear
 * are opaque ids, MACs, times, and whether a consent is revoked (docs/operations.md, "What lies in clear").
 */

export interface Revision {
  readonly consent: Consent;
  /** Empty for the first page. */
  readonly replacedEtag: string;
  readonly author: Author;
  readonly time: number;
  /** The leaf, `acc_...`. */
  readonly access: string;
}

/** How a consent was created, to recognise a repeated request. */
export interface Origin {
  readonly requestId: string;
  readonly requestDigest: string;
}

/**
 * The version of the stored documents. Documents of another version are not read: a misread consent is worse than a
 * missing one. Documents of format 2, which were in clear, are sealed at the start (consent-migration.ts).
 */
export const format = 3;

/** Without `sealed`: the retention after the patient's erasure is over, and nothing can be granted. */
export type CurrentDocument = Document & { readonly format: number; readonly sealed?: Uint8Array };

export type ConsentDocument = Document & {
  readonly consent: string;
  readonly create_time: number;
  readonly unrevoked: boolean;
  /** MAC under a key of the installation: an organization lists its consents of all patients. */
  readonly grantee_mac: string;
  /** MAC under the patient's audit key. */
  readonly request_mac: string;
  readonly sealed: Uint8Array;
};

/** The sealed part of a ConsentDocument. */
export interface ConsentContent {
  readonly content: Consent;
  readonly requestDigest: string;
}

export type RevisionDocument = Document & {
  readonly consent: string;
  readonly version: number;
  readonly sealed: Uint8Array;
};

export const currentConsents: CollectionDeclaration = {
  name: "current_consents",
  key: ["partition"],
  indexes: [],
  version: format,
};

export const consents: CollectionDeclaration = {
  name: "consents",
  key: ["partition", "consent"],
  indexes: [
    { name: "by_consent", fields: ["consent"], unique: true },
    { name: "by_request", fields: ["partition", "request_mac"], unique: true },
    { name: "by_patient", fields: ["partition", "create_time"] },
    { name: "by_patient_unrevoked", fields: ["partition", "unrevoked", "create_time"] },
    { name: "by_grantee", fields: ["grantee_mac", "create_time"] },
    { name: "by_grantee_unrevoked", fields: ["grantee_mac", "unrevoked", "create_time"] },
    { name: "by_patient_and_grantee", fields: ["partition", "grantee_mac", "create_time"] },
  ],
  version: format,
};

export const consentRevisions: CollectionDeclaration = {
  name: "consent_revisions",
  key: ["partition", "consent", "version"],
  indexes: [],
  version: format,
};

/** `key` is undefined where it was destroyed: the retention is over. */
export function currentDocument(
  key: PatientKey | undefined,
  partition: string,
  current: CurrentConsents,
): CurrentDocument {
  if (key === undefined) return endedDocument(partition);
  return { partition, format, sealed: sealContent(key, currentPlace(partition), current) };
}

/** The document of a patient whose retention is over. */
export function endedDocument(partition: string): CurrentDocument {
  return { partition, format };
}

export function isEnded(document: CurrentDocument): boolean {
  return document.format === format && document.sealed === undefined;
}

/** What decides about a patient's data. Throws ConsentError `unreadable`. */
export async function openCurrent(
  sealing: ConsentSealing,
  { document, revision }: Stored<CurrentDocument>,
): Promise<Stored<Document & { readonly current: CurrentConsents }>> {
  const { partition, sealed } = document;
  if (isClearCurrent(document)) return { document: { partition, current: document.current }, revision };
  checkFormat(document);
  const current = sealed && (await sealing.open<CurrentConsents>(currentPlace(partition), sealed));
  return { document: { partition, current: current ?? ended }, revision };
}

/**
 * Documents of format 2, in clear. They are read where the migration left them: because of damage near them, or because a replica
 * of the version before wrote them later. `request_id` is a digest without a key.
 */
export type ClearCurrentDocument = Document & { readonly format: 2; readonly current: CurrentConsents };
export type ClearConsentDocument = Document & {
  readonly content: Consent;
  readonly request_id: string;
  readonly request_digest: string;
};
export type ClearRevisionDocument = Document & { readonly revision: Revision };

export function isClearCurrent(document: Document): document is ClearCurrentDocument {
  return document.format === 2 && document.current !== undefined;
}

export function isClearConsent(document: Document): document is ClearConsentDocument {
  return document.content !== undefined;
}

export function isClearRevision(document: Document): document is ClearRevisionDocument {
  return document.revision !== undefined;
}

/** What decides about a patient whose retention is over. */
const ended: CurrentConsents = { consents: [], revoked: [], closed: true };

/**
 * Throws `unreadable` where the store holds consents of a version that this program cannot migrate. A whole store has one
 * version, or is between two that are known here, so one document shows it.
 */
export async function checkStoredFormat(store: Pick<Store, "scan">): Promise<void> {
  const page = await store.scan<CurrentDocument>(currentConsents.name, { equals: [], limit: 1 });
  for (const { document } of page.documents) if (!isClearCurrent(document)) checkFormat(document);
}

function checkFormat(document: Document & { readonly format?: unknown }): void {
  if (document.format === format) return;
  const message =
    `the store holds consents of format ${String(document.format ?? 1)}, and this program reads format ${format} only: ` +
    "start the program that wrote them, or begin with a new store";
  throw new ConsentError("unreadable", { message });
}

export function consentDocument(
  key: PatientKey,
  tagOf: ConsentSealing["tagOf"],
  partition: string,
  { content, requestDigest }: ConsentContent,
  requestMac: string,
): ConsentDocument {
  const { id, terms, createTime, revokeTime } = content;
  return {
    partition,
    consent: id,
    grantee_mac: tagOf(terms.grantee),
    create_time: createTime,
    unrevoked: revokeTime === undefined,
    request_mac: requestMac,
    sealed: sealContent(key, consentPlace(partition, id), { content, requestDigest }),
  };
}

export function openConsent(
  sealing: Pick<ConsentSealing, "open">,
  document: ConsentDocument | ClearConsentDocument,
): Promise<ConsentContent | undefined> {
  if (isClearConsent(document)) {
    const { content, request_digest: requestDigest } = document;
    return Promise.resolve({ content, requestDigest });
  }
  const { partition, consent, sealed } = document;
  return sealing.open<ConsentContent>(consentPlace(partition, consent), sealed);
}

/** The stored MAC of the request that created a consent. */
export function requestMacIn(key: PatientKey, document: ConsentDocument | ClearConsentDocument): string {
  return isClearConsent(document) ? requestMacOf(key, document.request_id) : document.request_mac;
}

/** A request's id may tell something of the patient, so it is stored as a MAC. */
export function requestMacOf(key: PatientKey, requestId: string): string {
  return Buffer.from(key.mac("consent/requests", Buffer.from(requestId))).toString("base64url");
}

export function revisionDocument(key: PatientKey, partition: string, revision: Revision): RevisionDocument {
  const { id, version } = revision.consent;
  const sealed = sealContent(key, revisionPlace(partition, id, version), revision);
  return { partition, consent: id, version, sealed };
}

export function openRevision(
  sealing: Pick<ConsentSealing, "open">,
  document: RevisionDocument | ClearRevisionDocument,
): Promise<Revision | undefined> {
  if (isClearRevision(document)) return Promise.resolve(document.revision);
  const { partition, consent, version, sealed } = document;
  return sealing.open<Revision>(revisionPlace(partition, consent, version), sealed);
}

function currentPlace(partition: string): Place {
  return [currentConsents.name, partition];
}

function consentPlace(partition: string, consent: string): Place {
  return [consents.name, partition, consent];
}

function revisionPlace(partition: string, consent: string, version: number): Place {
  return [consentRevisions.name, partition, consent, version];
}
