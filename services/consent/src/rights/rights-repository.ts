import type { Change, OutboxEvent, Scan, Store, Stored } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import type { Page } from "../consent-repository.ts";
import type { ConsentSealing } from "../consent-sealing.ts";
import { isOf, type Owner, ownScan, refusingForeign } from "../owner.ts";
import type { SealedRequestDocument } from "../sealed-request.ts";
import { organizationMac, rightsRequests, sealedRights } from "./rights-documents.ts";
import type { RightsRequest } from "./rights-request.ts";

/** A rights request with its patient. */
export interface KeptRights {
  readonly partition: string;
  readonly request: RightsRequest;
}

export type StoredRights = KeptRights & {
  readonly requestDigest: string;
  readonly stored: Stored<SealedRequestDocument>;
};

const { name: collection } = rightsRequests;

/** Stored rights requests. Throws StoreError, VaultError `unavailable`, and ConsentError `unreadable`. */
export class RightsRepository {
  readonly #store: Store;
  readonly #sealing: ConsentSealing;

  constructor(store: Store, sealing: ConsentSealing) {
    this.#store = store;
    this.#sealing = sealing;
  }

  async get(partition: string, request: string): Promise<StoredRights | undefined> {
    const stored = await this.#store.get<SealedRequestDocument>(collection, [partition, request]);
    return stored && this.#open(stored);
  }

  /** Of any patient. */
  async find(request: string): Promise<StoredRights | undefined> {
    return (await this.#scan({ index: "by_request", equals: [request], limit: 1 })).requests[0];
  }

  async findByOrigin(originMac: string): Promise<StoredRights | undefined> {
    return (await this.#scan({ index: "by_origin", equals: [originMac], limit: 1 })).requests[0];
  }

  /** How many of a patient to an organization were made since then, counted up to `limit`. */
  async count(partition: string, organization: string, since: number, limit: number): Promise<number> {
    const equals = [partition, organizationMac(this.#sealing, organization)];
    const scan = { index: "by_patient_and_organization", equals, range: { from: since }, limit } as const;
    return (await this.#store.scan<SealedRequestDocument>(collection, scan)).documents.length;
  }

  /**
   * Newest first. What was sealed with a destroyed key, or is another organization's, is left out, so a page may be short. Throws
   * `invalid_page_token` for a cursor of another list.
   */
  async list(
    owner: Owner,
    page: Page,
  ): Promise<{ readonly requests: readonly KeptRights[]; readonly cursor?: string }> {
    const scan = ownScan(owner, page, (organization) => organizationMac(this.#sealing, organization));
    const found = await this.#scan(scan).catch(refusingForeign(page.cursor));
    const requests = found.requests.filter(({ partition, request: { organization } }) =>
      isOf(owner, { partition, organization }),
    );
    return { ...found, requests };
  }

  /** Undefined where the patient's key was destroyed. False: another writer was faster. */
  async commit(
    partition: string,
    changes: (key: PatientKey) => readonly Change[],
    events: readonly OutboxEvent[],
  ): Promise<boolean | undefined> {
    const key = await this.#sealing.key(partition);
    if (key === undefined) return undefined;
    return (await this.#store.commit({ partition, changes: changes(key), events })).committed;
  }

  insertion(
    key: PatientKey,
    { partition, request: content }: KeptRights,
    origin: { readonly mac: string; readonly requestDigest: string },
  ): Change {
    const organization_mac = organizationMac(this.#sealing, content.organization);
    const kept = { partition, organization_mac, origin_mac: origin.mac };
    const document = sealedRights.document(key, kept, { content, requestDigest: origin.requestDigest });
    return { kind: "insert", collection, document };
  }

  /** Refused as a conflict where it changed since it was read. */
  replacement(key: PatientKey, { stored, requestDigest }: StoredRights, content: RightsRequest): Change {
    const document = sealedRights.document(key, stored.document, { content, requestDigest });
    return { kind: "replace", collection, document, ifRevision: stored.revision };
  }

  /** Stands for a request of a patient. */
  originMacOf(partition: string, requestId: string): string {
    return this.#sealing.tagOf(`rights request ${JSON.stringify([partition, requestId])}`);
  }

  async #scan(scan: Scan): Promise<{ readonly requests: readonly StoredRights[]; readonly cursor?: string }> {
    const { documents, cursor } = await this.#store.scan<SealedRequestDocument>(collection, scan);
    const opened = await Promise.all(documents.map((one) => this.#open(one)));
    const requests = opened.filter((one) => one !== undefined);
    return { requests, ...(cursor === undefined ? {} : { cursor }) };
  }

  async #open(stored: Stored<SealedRequestDocument>): Promise<StoredRights | undefined> {
    const opened = await sealedRights.open(this.#sealing, stored.document);
    const { partition } = stored.document;
    return opened && { partition, request: opened.content, requestDigest: opened.requestDigest, stored };
  }
}
