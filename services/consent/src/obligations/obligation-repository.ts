import type { Change, OutboxEvent, Scan, Store, Stored } from "@wellapi/store";
import type { Page } from "../consent-repository.ts";
import type { ConsentSealing } from "../consent-sealing.ts";
import { isOf, type Owner, ownScan, refusingForeign } from "../owner.ts";
import type { DeletionObligation } from "./obligation.ts";
import {
  deletionObligations,
  type ObligationDocument,
  obligationDocument,
  openObligation,
  organizationMac,
} from "./obligation-documents.ts";

/** An obligation with its patient. */
export interface KeptObligation {
  readonly partition: string;
  readonly obligation: DeletionObligation;
}

export type StoredObligation = KeptObligation & { readonly stored: Stored<ObligationDocument> };

const { name: collection } = deletionObligations;

/** Stored obligations. Throws StoreError, VaultError `unavailable`, and ConsentError `unreadable`. */
export class ObligationRepository {
  readonly #store: Store;
  readonly #sealing: ConsentSealing;

  constructor(store: Store, sealing: ConsentSealing) {
    this.#store = store;
    this.#sealing = sealing;
  }

  async get(partition: string, obligation: string): Promise<StoredObligation | undefined> {
    const stored = await this.#store.get<ObligationDocument>(collection, [partition, obligation]);
    return stored && this.#open(stored);
  }

  /** Of any patient. */
  async find(obligation: string): Promise<StoredObligation | undefined> {
    return (await this.#scan({ index: "by_obligation", equals: [obligation], limit: 1 })).obligations[0];
  }

  /**
   * Newest first. What was sealed with a destroyed key, or is another organization's, is left out, so a page may be short. Throws
   * `invalid_page_token` for a cursor of another list.
   */
  async list(
    owner: Owner,
    page: Page,
  ): Promise<{ readonly obligations: readonly KeptObligation[]; readonly cursor?: string }> {
    const scan = ownScan(owner, page, (organization) => organizationMac(this.#sealing, organization));
    const found = await this.#scan(scan).catch(refusingForeign(page.cursor));
    const obligations = found.obligations.filter(({ partition, obligation: { organization } }) =>
      isOf(owner, { partition, organization }),
    );
    return { ...found, obligations };
  }

  /**
   * Stores the next state of an obligation, or a new one, with what belongs to it. Undefined where the patient's key was destroyed.
   * False: another writer was faster.
   */
  async commit(
    { partition, obligation }: KeptObligation,
    before: StoredObligation | undefined,
    also: readonly Change[],
    events: readonly OutboxEvent[],
  ): Promise<boolean | undefined> {
    const key = await this.#sealing.key(partition);
    if (key === undefined) return undefined;
    const document = obligationDocument(key, this.#sealing, partition, obligation);
    const change: Change =
      before === undefined
        ? { kind: "insert", collection, document }
        : { kind: "replace", collection, document, ifRevision: before.stored.revision };
    return (await this.#store.commit({ partition, changes: [change, ...also], events })).committed;
  }

  async #scan(
    scan: Scan,
  ): Promise<{ readonly obligations: readonly StoredObligation[]; readonly cursor?: string }> {
    const { documents, cursor } = await this.#store.scan<ObligationDocument>(collection, scan);
    const opened = await Promise.all(documents.map((one) => this.#open(one)));
    const obligations = opened.filter((one) => one !== undefined);
    return { obligations, ...(cursor === undefined ? {} : { cursor }) };
  }

  async #open(stored: Stored<ObligationDocument>): Promise<StoredObligation | undefined> {
    const obligation = await openObligation(this.#sealing, stored.document);
    return obligation && { partition: stored.document.partition, obligation, stored };
  }
}
