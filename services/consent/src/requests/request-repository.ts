import type { Change, OutboxEvent, Scan, Store, Stored } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import type { Page } from "../consent-repository.ts";
import type { ConsentSealing } from "../consent-sealing.ts";
import { isOf, type Owner, ownScan, refusingForeign } from "../owner.ts";
import type { SealedRequestDocument } from "../sealed-request.ts";
import { type Asking, type ConsentRequest, lately, nothingAsked } from "./request.ts";
import {
  type AskingDocument,
  askingDocument,
  consentAskings,
  consentRequests,
  openAsking,
  organizationMac,
  sealedRequests,
} from "./request-documents.ts";

/** A request with its patient. */
export interface KeptRequest {
  readonly partition: string;
  readonly request: ConsentRequest;
}

export type StoredRequest = KeptRequest & {
  readonly requestDigest: string;
  readonly stored: Stored<SealedRequestDocument>;
};

/** What an organization asked a patient lately, with the document that a change replaces. */
export interface StoredAsking {
  readonly partition: string;
  readonly organization: string;
  readonly asking: Asking;
  readonly stored: Stored<AskingDocument> | undefined;
}

/** A change that concerns requests alone: all of it is stored, or nothing. */
export interface RequestChange {
  readonly partition: string;
  /** In the turn in which the key was got: it may be dropped from memory. */
  readonly changes: (key: PatientKey) => readonly Change[];
  readonly events: readonly OutboxEvent[];
}

/** Stored requests. Throws StoreError, VaultError `unavailable`, and ConsentError `unreadable`. */
export class RequestRepository {
  readonly #store: Store;
  readonly #sealing: ConsentSealing;

  constructor(store: Store, sealing: ConsentSealing) {
    this.#store = store;
    this.#sealing = sealing;
  }

  async get(partition: string, request: string): Promise<StoredRequest | undefined> {
    const stored = await this.#store.get<SealedRequestDocument>(consentRequests.name, [partition, request]);
    return stored && this.#open(stored);
  }

  /** Of any patient. */
  async find(request: string): Promise<StoredRequest | undefined> {
    return (await this.#scan({ index: "by_request", equals: [request], limit: 1 })).requests[0];
  }

  async findByOrigin(originMac: string): Promise<StoredRequest | undefined> {
    return (await this.#scan({ index: "by_origin", equals: [originMac], limit: 1 })).requests[0];
  }

  /**
   * Newest first. What was sealed with a destroyed key, or is another organization's, is left out, so a page may be short. Throws
   * `invalid_page_token` for a cursor of another list.
   */
  async list(
    owner: Owner,
    page: Page,
  ): Promise<{ readonly requests: readonly KeptRequest[]; readonly cursor?: string }> {
    const scan = ownScan(owner, page, (organization) => organizationMac(this.#sealing, organization));
    const found = await this.#scan(scan).catch(refusingForeign(page.cursor));
    const requests = found.requests.filter(({ partition, request: { terms } }) =>
      isOf(owner, { partition, organization: terms.grantee }),
    );
    return { ...found, requests };
  }

  /** Without what counts no more. */
  async asking(partition: string, organization: string, now: number): Promise<StoredAsking> {
    const mac = organizationMac(this.#sealing, organization);
    const stored = await this.#store.get<AskingDocument>(consentAskings.name, [partition, mac]);
    const opened = stored && (await openAsking(this.#sealing, stored.document));
    return { partition, organization, asking: lately(opened ?? nothingAsked, now), stored };
  }

  /** Undefined where the patient's key was destroyed. False: another writer was faster. */
  async commit({ partition, changes, events }: RequestChange, leaf: Change): Promise<boolean | undefined> {
    const key = await this.#sealing.key(partition);
    if (key === undefined) return undefined;
    const commit = { partition, changes: [...changes(key), leaf], events };
    return (await this.#store.commit(commit)).committed;
  }

  insertion(
    key: PatientKey,
    { partition, request: content }: KeptRequest,
    origin: { readonly mac: string; readonly requestDigest: string },
  ): Change {
    const organization_mac = organizationMac(this.#sealing, content.terms.grantee);
    const kept = { partition, organization_mac, origin_mac: origin.mac };
    const document = sealedRequests.document(key, kept, { content, requestDigest: origin.requestDigest });
    return { kind: "insert", collection: consentRequests.name, document };
  }

  /** Refused as a conflict where it changed since it was read. */
  replacement(key: PatientKey, { stored, requestDigest }: StoredRequest, content: ConsentRequest): Change {
    const document = sealedRequests.document(key, stored.document, { content, requestDigest });
    return { kind: "replace", collection: consentRequests.name, document, ifRevision: stored.revision };
  }

  /** As `replacement`. */
  askingChange(key: PatientKey, before: StoredAsking, asking: Asking): Change {
    const { partition, organization, stored } = before;
    const document = askingDocument(key, partition, organizationMac(this.#sealing, organization), asking);
    const { name: collection } = consentAskings;
    if (stored === undefined) return { kind: "insert", collection, document };
    return { kind: "replace", collection, document, ifRevision: stored.revision };
  }

  /** Stands for a request of an organization to a patient. */
  originMacOf(partition: string, organization: string, requestId: string): string {
    return this.#sealing.tagOf(`consent request ${JSON.stringify([partition, organization, requestId])}`);
  }

  async #scan(
    scan: Scan,
  ): Promise<{ readonly requests: readonly StoredRequest[]; readonly cursor?: string }> {
    const { documents, cursor } = await this.#store.scan<SealedRequestDocument>(consentRequests.name, scan);
    const opened = await Promise.all(documents.map((one) => this.#open(one)));
    const requests = opened.filter((one) => one !== undefined);
    return { requests, ...(cursor === undefined ? {} : { cursor }) };
  }

  async #open(stored: Stored<SealedRequestDocument>): Promise<StoredRequest | undefined> {
    const opened = await sealedRequests.open(this.#sealing, stored.document);
    return (
      opened && {
        partition: stored.document.partition,
        request: opened.content,
        requestDigest: opened.requestDigest,
        stored,
      }
    );
  }
}
