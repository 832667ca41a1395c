import type {
  Change,
  CollectionDeclaration,
  CommitResult,
  Document,
  Scan,
  Store,
  Stored,
} from "@wellapi/store";
import { type Author, type Consent, type CurrentConsents, noConsents, type RecallScope } from "./consent.ts";
import { ConsentError } from "./errors.ts";

export interface Revision {
  readonly consent: Consent;
  /** Empty for the first page. */
  readonly replacedEtag: string;
  readonly author: Author;
  readonly time: number;
  /** The leaf, `acc_...`. */
  readonly access: string;
}

/** A consent with its patient. */
export interface KeptConsent {
  readonly partition: string;
  readonly consent: Consent;
}

/** How a consent was created, to recognise a repeated request. */
export interface Origin {
  readonly requestId: string;
  readonly requestDigest: string;
}

/** A change of a patient's consents: all of it is stored, or nothing. */
export interface ConsentChange {
  readonly partition: string;
  /** As it was read; undefined where the patient had none. */
  readonly before: Stored<Document & { readonly current: CurrentConsents }> | undefined;
  readonly after: CurrentConsents;
  readonly created?: { readonly consent: Consent; readonly origin: Origin };
  readonly revoked: readonly Consent[];
  readonly revisions: readonly Revision[];
  /** The recall that must follow, stored until it is complete. */
  readonly recall: PendingRecall;
  readonly leaf: Change;
  /** The facts that the journal must get. */
  readonly owed?: readonly Change[];
}

/** A recall that was owed when its change was committed. */
export interface PendingRecall {
  readonly partition: string;
  readonly recall: string;
  readonly scope: RecallScope;
}

/**
 * The version of the stored documents. Documents of another version are not read: a misread consent is worse than a
 * missing one.
 */
const format = 2;

type CurrentDocument = Document & { readonly format: number; readonly current: CurrentConsents };
type ConsentDocument = Document & { readonly content: Consent; readonly request_digest: string };
type RevisionDocument = Document & { readonly revision: Revision };
type PendingDocument = Document & PendingRecall;

const currentConsents: CollectionDeclaration = {
  name: "current_consents",
  key: ["partition"],
  indexes: [],
  version: format,
};

const consents: CollectionDeclaration = {
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
  version: format,
};

const consentRevisions: CollectionDeclaration = {
  name: "consent_revisions",
  key: ["partition", "consent", "version"],
  indexes: [],
  version: format,
};

const pendingRecalls: CollectionDeclaration = {
  name: "pending_recalls",
  key: ["partition", "recall"],
  indexes: [{ name: "by_recall", fields: ["recall"], unique: true }],
};

export const consentCollectionsOfPatients = [currentConsents, consents, consentRevisions, pendingRecalls];

/** Which consents a list shows. */
export interface Listed {
  readonly holder: Holder;
  /** Of one organization, where the reader is a patient. */
  readonly grantee: string | undefined;
  /** Only revoked ones, or only others; undefined: all. */
  readonly revoked: boolean | undefined;
}

/** A page of a list. */
export interface Page {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** The owner of the listed consents. */
export type Holder = { readonly partition: string } | { readonly grantee: string };

/** Stored consents: `current_consents` decides, the rest is for people. Throws StoreError. */
export class ConsentRepository {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Throws `unreadable` where the store holds consents of another version. A whole store has one version, so one
   * document shows it.
   */
  async checkFormat(): Promise<void> {
    const page = await this.#store.scan<CurrentDocument>(currentConsents.name, { equals: [], limit: 1 });
    for (const { document } of page.documents) checkFormat(document);
  }

  /** Linearizable: a read that starts after a change was committed sees it. */
  async current(partition: string): Promise<CurrentConsents> {
    return (await this.stored(partition))?.document.current ?? noConsents;
  }

  async stored(partition: string): Promise<Stored<CurrentDocument> | undefined> {
    const stored = await this.#store.get<CurrentDocument>(currentConsents.name, [partition]);
    if (stored !== undefined) checkFormat(stored.document);
    return stored;
  }

  async get(partition: string, consent: string): Promise<Consent | undefined> {
    const stored = await this.#store.get<ConsentDocument>(consents.name, [partition, consent]);
    return stored?.document.content;
  }

  /** Of any patient. */
  async find(consent: string): Promise<KeptConsent | undefined> {
    const [found] = await this.#scan({ index: "by_consent", equals: [consent], limit: 1 });
    return found && { partition: found.partition, consent: found.content };
  }

  async findByRequest(
    partition: string,
    requestId: string,
  ): Promise<{ consent: Consent; requestDigest: string } | undefined> {
    const equals = [partition, requestId];
    const [found] = await this.#scan({ index: "by_request", equals, limit: 1 });
    return found && { consent: found.content, requestDigest: found.request_digest };
  }

  /** Newest first. */
  async list(listed: Listed, { limit, cursor }: Page): Promise<{ consents: KeptConsent[]; cursor?: string }> {
    const page = await this.#store.scan<ConsentDocument>(consents.name, {
      ...indexOf(listed),
      order: "descending",
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const kept = page.documents.map(({ document }) => {
      return { partition: document.partition, consent: document.content };
    });
    return { consents: kept, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
  }

  /** Oldest first. */
  async revisions(
    partition: string,
    consent: string,
    { limit, cursor }: Page,
  ): Promise<{ revisions: Revision[]; cursor?: string }> {
    const page = await this.#store.scan<RevisionDocument>(consentRevisions.name, {
      equals: [partition, consent],
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const revisions = page.documents.map(({ document }) => document.revision);
    return { revisions, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
  }

  /** Refused as `conflict` where the patient's consents changed since `before` was read. */
  async commit(change: ConsentChange): Promise<CommitResult> {
    const { partition, before, after, created, revoked, revisions, recall, leaf, owed = [] } = change;
    const current = { partition, format, current: after };
    const changes: Change[] = [
      before
        ? {
            kind: "replace",
            collection: currentConsents.name,
            document: current,
            ifRevision: before.revision,
          }
        : { kind: "insert", collection: currentConsents.name, document: current },
    ];
    if (created) {
      const document = documentOf(partition, created.consent, created.origin);
      changes.push({ kind: "insert", collection: consents.name, document });
    }
    for (const consent of revoked) {
      const stored = await this.#store.get<ConsentDocument>(consents.name, [partition, consent.id]);
      if (!stored) throw new Error(`consent ${consent.id} is current, but not stored`);
      const document = { ...stored.document, content: consent, unrevoked: false };
      changes.push({ kind: "replace", collection: consents.name, document, ifRevision: stored.revision });
    }
    for (const revision of revisions) {
      const { id, version } = revision.consent;
      const document = { partition, consent: id, version, revision };
      changes.push({ kind: "insert", collection: consentRevisions.name, document });
    }
    changes.push({ kind: "insert", collection: pendingRecalls.name, document: { ...recall } });
    const result = await this.#store.commit({ partition, changes: [...changes, ...owed, leaf] });
    // The first consent of a patient: another writer was faster.
    if (!result.committed && result.change === 0) return { ...result, reason: "conflict" };
    return result;
  }

  async pendingRecalls(limit: number): Promise<PendingRecall[]> {
    const page = await this.#store.scan<PendingDocument>(pendingRecalls.name, {
      index: "by_recall",
      equals: [],
      limit,
    });
    return page.documents.map(({ document: { partition, recall, scope } }) => ({ partition, recall, scope }));
  }

  async recallDone({ partition, recall }: PendingRecall): Promise<void> {
    const change = { kind: "delete", collection: pendingRecalls.name, key: [partition, recall] } as const;
    await this.#store.commit({ partition, changes: [change] });
  }

  async #scan(scan: Scan): Promise<ConsentDocument[]> {
    const page = await this.#store.scan<ConsentDocument>(consents.name, scan);
    return page.documents.map(({ document }) => document);
  }
}

/** The index and fields by which a list is scanned; the reader filters by what the index does not hold. */
function indexOf({ holder, grantee, revoked }: Listed): Pick<Scan, "index" | "equals"> {
  if ("partition" in holder && grantee !== undefined) {
    return { index: "by_patient_and_grantee", equals: [holder.partition, grantee] };
  }
  const [index, key] =
    "partition" in holder ? ["by_patient", holder.partition] : ["by_grantee", holder.grantee];
  if (revoked === undefined) return { index, equals: [key] };
  return { index: `${index}_unrevoked`, equals: [key, !revoked] };
}

function checkFormat(document: Document & { readonly format?: unknown }): void {
  if (document.format === format) return;
  const message =
    `the store holds consents of format ${String(document.format ?? 1)}, and this program reads format ${format} only: ` +
    "start the program that wrote them, or begin with a new store";
  throw new ConsentError("unreadable", { message });
}

function documentOf(partition: string, consent: Consent, origin: Origin): Document {
  return {
    partition,
    consent: consent.id,
    grantee: consent.terms.grantee,
    create_time: consent.createTime,
    unrevoked: true,
    request_id: origin.requestId,
    request_digest: origin.requestDigest,
    content: consent,
  };
}
