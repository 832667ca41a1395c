import type { Change, CommitResult, Document, OutboxEvent, Scan, Store, Stored } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import { type Consent, type CurrentConsents, noConsents } from "./consent.ts";
import {
  type ConsentContent,
  type ConsentDocument,
  type CurrentDocument,
  consentDocument,
  consentRevisions,
  consents,
  currentConsents,
  currentDocument,
  type Origin,
  openConsent,
  openCurrent,
  openRevision,
  type Revision,
  type RevisionDocument,
  requestMacIn,
  requestMacOf,
  revisionDocument,
} from "./consent-documents.ts";
import type { ConsentSealing } from "./consent-sealing.ts";
import { ConsentError } from "./errors.ts";
import { consentChanged } from "./event-convert.ts";
import { newTimer } from "./obligations/timer-repository.ts";
import { refusingForeign } from "./owner.ts";
import {
  createPendingRecallRepository,
  type PendingRecall,
  type PendingRecallRepository,
} from "./pending-recall-repository.ts";
import type { ScopeSealing } from "./scope-sealing.ts";

/** A consent with its patient. */
export interface KeptConsent {
  readonly partition: string;
  readonly consent: Consent;
}

/** A change of a patient's consents: all of it is stored, or nothing. */
export interface ConsentChange {
  readonly partition: string;
  /** As it was read; undefined where the patient had none. */
  readonly before: StoredCurrent | undefined;
  readonly after: CurrentConsents;
  readonly created?: { readonly consent: Consent; readonly origin: Origin };
  /** The next versions of stored consents. */
  readonly changed: readonly Consent[];
  readonly revisions: readonly Revision[];
  /** The recall that must follow, stored until it is complete. */
  readonly recall: PendingRecall;
  readonly leaf: Change;
  /** The facts that the journal must get. */
  readonly owed?: readonly Change[];
  /** Further documents of the same commit. In the turn in which the key was got: it may be dropped from memory. */
  readonly also?: (key: PatientKey) => readonly Change[];
  /** Further events; those about the revisions follow from them. */
  readonly events?: readonly OutboxEvent[];
  /** It permits something, as `created` does: a full disk takes it not. */
  readonly opens?: boolean;
}

/** Moves events out of the store; notified of each commit that has some. */
export type Notified = { notify(): void };

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

/** A patient's consents, opened, with the revision that a change must name. */
export type StoredCurrent = Stored<Document & { readonly current: CurrentConsents }>;

/**
 * Stored consents: `current_consents` decides, the rest is for people. Throws StoreError, VaultError `unavailable`, and
 * ConsentError `unreadable` for what does not open.
 */
export class ConsentRepository {
  readonly #store: Store;
  readonly #sealing: ConsentSealing;
  readonly #pending: PendingRecallRepository;
  readonly #whole: boolean;
  readonly #relay: Notified | undefined;
  readonly #aheadOf: (organization: string) => number;

  /** `whole`: every consent is in its indexes (consent-migration.ts). Without a relay, events leave later. */
  constructor(
    store: Store,
    sealing: ConsentSealing,
    scopes: ScopeSealing,
    {
      whole = true,
      relay,
      aheadOf = () => 0,
    }: {
      readonly whole?: boolean;
      readonly relay?: Notified | undefined;
      /** By how many milliseconds a grantee's clock is ahead. Default: nobody's is. */
      readonly aheadOf?: (organization: string) => number;
    } = {},
  ) {
    this.#aheadOf = aheadOf;
    this.#store = store;
    this.#whole = whole;
    this.#relay = relay;
    this.#sealing = sealing;
    this.#pending = createPendingRecallRepository(store, scopes);
  }

  /** Linearizable: a read that starts after a change was committed sees it. */
  async current(partition: string): Promise<CurrentConsents> {
    return (await this.stored(partition))?.document.current ?? noConsents;
  }

  async stored(partition: string): Promise<StoredCurrent | undefined> {
    const stored = await this.#store.get<CurrentDocument>(currentConsents.name, [partition]);
    return stored && openCurrent(this.#sealing, stored);
  }

  async get(partition: string, consent: string): Promise<Consent | undefined> {
    const stored = await this.#store.get<ConsentDocument>(consents.name, [partition, consent]);
    return stored && (await openConsent(this.#sealing, stored.document))?.content;
  }

  /** Of any patient. */
  async find(consent: string): Promise<KeptConsent | undefined> {
    const [found] = await this.#scan({ index: "by_consent", equals: [consent], limit: 1 });
    const opened = found && (await openConsent(this.#sealing, found));
    return opened && { partition: found.partition, consent: opened.content };
  }

  async findByRequest(
    partition: string,
    requestId: string,
  ): Promise<{ consent: Consent; requestDigest: string } | undefined> {
    const key = await this.#sealing.key(partition);
    if (key === undefined) return undefined;
    const equals = [partition, requestMacOf(key, requestId)];
    const [found] = await this.#scan({ index: "by_request", equals, limit: 1 });
    const opened = found && (await openConsent(this.#sealing, found));
    return opened && { consent: opened.content, requestDigest: opened.requestDigest };
  }

  /** Stands for an organization in the journal. */
  tagOf(organization: string): string {
    return this.#sealing.tagOf(organization);
  }

  /** Newest first. Throws `invalid_page_token` for a cursor of another list, or of before a migration. */
  async list(listed: Listed, { limit, cursor }: Page): Promise<{ consents: KeptConsent[]; cursor?: string }> {
    // A list with a gap would look whole.
    if (!this.#whole && !("partition" in listed.holder && listed.grantee === undefined)) {
      const message = "some stored consents are damaged, so a list would have gaps: tell the operator";
      throw new ConsentError("unreadable", { message });
    }
    const scan = {
      ...indexOf(listed, this.#sealing.tagOf),
      order: "descending",
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    } as const;
    const page = await this.#store.scan<ConsentDocument>(consents.name, scan).catch(refusingForeign(cursor));
    const kept = await Promise.all(
      page.documents.map(async ({ document }) => {
        const opened = await openConsent(this.#sealing, document);
        return opened && { partition: document.partition, consent: opened.content };
      }),
    );
    return {
      consents: kept.filter((one) => one !== undefined),
      ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
    };
  }

  async revision(partition: string, consent: string, version: number): Promise<Revision | undefined> {
    const key = [partition, consent, version];
    const stored = await this.#store.get<RevisionDocument>(consentRevisions.name, key);
    return stored && openRevision(this.#sealing, stored.document);
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
    const opened = await Promise.all(
      page.documents.map(({ document }) => openRevision(this.#sealing, document)),
    );
    return {
      revisions: opened.filter((one) => one !== undefined),
      ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
    };
  }

  /** Refused as `conflict` where the patient's consents changed since `before` was read. */
  async commit(change: ConsentChange): Promise<CommitResult> {
    const {
      partition,
      before,
      after,
      recall,
      leaf,
      owed = [],
      revisions,
      opens = change.created !== undefined,
    } = change;
    const events = [...revisions.map((one) => consentChanged(partition, one)), ...(change.events ?? [])];
    const kept = await Promise.all(change.changed.map((consent) => this.#kept(partition, consent)));
    const key = await this.#sealing.key(partition);
    const current = currentDocument(key, partition, after);
    const changes: Change[] = [
      before
        ? {
            kind: "replace",
            collection: currentConsents.name,
            document: current,
            ifRevision: before.revision,
          }
        : { kind: "insert", collection: currentConsents.name, document: current },
      ...this.#contentChanges(key, change, kept),
      ...revisions.flatMap(({ consent }) => newTimer(partition, consent, this.#aheadOf)),
    ];
    if (change.also !== undefined) {
      if (key === undefined) throw new ConsentError("patient_erased");
      changes.push(...change.also(key));
    }
    changes.push(this.#pending.insert(recall));
    // What ends a permit goes on while a full disk takes nothing else.
    const useReserve = !opens;
    const result = await this.#store.commit({
      partition,
      changes: [...changes, ...owed, leaf],
      events,
      useReserve,
    });
    if (result.committed && events.length > 0) this.#relay?.notify();
    // The first consent of a patient: another writer was faster.
    if (!result.committed && result.change === 0) return { ...result, reason: "conflict" };
    return result;
  }

  /** In the turn in which the key was got: it may be dropped from memory. */
  #contentChanges(
    key: PatientKey | undefined,
    { partition, created, revisions }: ConsentChange,
    kept: readonly KeptDocument[],
  ): Change[] {
    if (created === undefined && revisions.length === 0 && kept.length === 0) return [];
    if (key === undefined) throw new ConsentError("patient_erased");
    const { tagOf } = this.#sealing;
    const changes: Change[] = [];
    if (created) {
      const { consent: content, origin } = created;
      const { requestDigest } = origin;
      const requestMac = requestMacOf(key, origin.requestId);
      const document = consentDocument(key, tagOf, partition, { content, requestDigest }, requestMac);
      changes.push({ kind: "insert", collection: consents.name, document });
    }
    for (const { stored, content } of kept) {
      const document = consentDocument(key, tagOf, partition, content, requestMacIn(key, stored.document));
      const { revision: ifRevision } = stored;
      changes.push({ kind: "replace", collection: consents.name, document, ifRevision });
    }
    for (const revision of revisions) {
      const document = revisionDocument(key, partition, revision);
      changes.push({ kind: "insert", collection: consentRevisions.name, document });
    }
    return changes;
  }

  /** The stored document of a consent that is revoked, with its next content. */
  async #kept(partition: string, consent: Consent): Promise<KeptDocument> {
    const stored = await this.#store.get<ConsentDocument>(consents.name, [partition, consent.id]);
    const opened = stored && (await openConsent(this.#sealing, stored.document));
    if (!opened) throw new Error(`consent ${consent.id} is current, but not stored`);
    return { stored, content: { ...opened, content: consent } };
  }

  pendingRecalls(limit: number): Promise<PendingRecall[]> {
    return this.#pending.oldest(limit);
  }

  recallDone(recall: PendingRecall): Promise<void> {
    return this.#pending.done(recall);
  }

  async #scan(scan: Scan): Promise<ConsentDocument[]> {
    const page = await this.#store.scan<ConsentDocument>(consents.name, scan);
    return page.documents.map(({ document }) => document);
  }
}

interface KeptDocument {
  readonly stored: Stored<ConsentDocument>;
  readonly content: ConsentContent;
}

/** The index and fields by which a list is scanned; the reader filters by what the index does not hold. */
function indexOf(
  { holder, grantee, revoked }: Listed,
  tagOf: ConsentSealing["tagOf"],
): Pick<Scan, "index" | "equals"> {
  if ("partition" in holder && grantee !== undefined) {
    return { index: "by_patient_and_grantee", equals: [holder.partition, tagOf(grantee)] };
  }
  const [index, key] =
    "partition" in holder ? ["by_patient", holder.partition] : ["by_grantee", tagOf(holder.grantee)];
  if (revoked === undefined) return { index, equals: [key] };
  return { index: `${index}_unrevoked`, equals: [key, !revoked] };
}
