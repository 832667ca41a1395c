import type { Change, Scan, Store, Stored } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import type { Page } from "../consent-repository.ts";
import type { ConsentSealing } from "../consent-sealing.ts";
import type { EmergencyAccess } from "./emergency.ts";
import {
  clinicianMac,
  type EmergencyDocument,
  emergencyAccesses,
  emergencyDocument,
  openEmergency,
} from "./emergency-documents.ts";

/** An emergency access with its patient. */
export interface KeptEmergency {
  readonly partition: string;
  readonly access: EmergencyAccess;
}

/** Whose emergency accesses are listed: a patient's, a clinician's own, or everybody's. */
export type EmergencyHolder =
  | { readonly partition: string }
  | { readonly organization: string; readonly clinician: string }
  | "everybody";

export type StoredEmergency = KeptEmergency & { readonly stored: Stored<EmergencyDocument> };

/** Stored emergency accesses. Throws StoreError, VaultError `unavailable`, and ConsentError `unreadable`. */
export class EmergencyRepository {
  readonly #store: Store;
  readonly #sealing: ConsentSealing;

  constructor(store: Store, sealing: ConsentSealing) {
    this.#store = store;
    this.#sealing = sealing;
  }

  async get(partition: string, access: string): Promise<StoredEmergency | undefined> {
    const stored = await this.#store.get<EmergencyDocument>(emergencyAccesses.name, [partition, access]);
    return stored && this.#open(stored);
  }

  /** Of any patient. */
  async find(access: string): Promise<StoredEmergency | undefined> {
    return this.#first({ index: "by_access", equals: [access], limit: 1 });
  }

  async findByRequest(requestMac: string): Promise<StoredEmergency | undefined> {
    return this.#first({ index: "by_request", equals: [requestMac], limit: 1 });
  }

  /** Newest first. What was sealed with a destroyed key is left out, so a page may be short. */
  async list(
    holder: EmergencyHolder,
    { limit, cursor }: Page,
  ): Promise<{ readonly accesses: readonly KeptEmergency[]; readonly cursor?: string }> {
    const page = await this.#store.scan<EmergencyDocument>(emergencyAccesses.name, {
      ...this.#indexOf(holder),
      order: "descending",
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const opened = await Promise.all(page.documents.map((one) => this.#open(one)));
    return {
      accesses: opened.filter((one) => one !== undefined),
      ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
    };
  }

  /** Of which nobody was told yet, oldest first. */
  async untold(limit: number): Promise<readonly StoredEmergency[]> {
    const { documents } = await this.#store.scan<EmergencyDocument>(emergencyAccesses.name, {
      index: "by_told",
      equals: [false],
      limit,
    });
    const opened = await Promise.all(documents.map((one) => this.#open(one)));
    return opened.filter((one) => one !== undefined);
  }

  /** In clear but for its seal, so it is done without the key. False: it changed meanwhile. */
  async tick(partition: string, access: string): Promise<boolean> {
    const stored = await this.#store.get<EmergencyDocument>(emergencyAccesses.name, [partition, access]);
    if (stored === undefined || stored.document.told) return true;
    const document = { ...stored.document, told: true };
    const change = replacing(document, stored);
    return (await this.#store.commit({ partition, changes: [change] })).committed;
  }

  insertion(key: PatientKey, { partition, access }: KeptEmergency, requestMac: string): Change {
    const clinician_mac = clinicianMac(this.#sealing, access);
    const kept = { partition, clinician_mac, request_mac: requestMac, told: false };
    return {
      kind: "insert",
      collection: emergencyAccesses.name,
      document: emergencyDocument(key, kept, access),
    };
  }

  /** Refused as a conflict where it changed since it was read. */
  replacement(key: PatientKey, { stored }: StoredEmergency, next: EmergencyAccess): Change {
    return replacing(emergencyDocument(key, stored.document, next), stored);
  }

  /** Stands for a request of a clinician. */
  requestMacOf(organization: string, clinician: string, requestId: string): string {
    return this.#sealing.tagOf(`emergency request ${organization} ${clinician} ${requestId}`);
  }

  #indexOf(holder: EmergencyHolder): Pick<Scan, "index" | "equals"> {
    if (holder === "everybody") return { index: "by_time", equals: [] };
    if ("partition" in holder) return { index: "by_patient", equals: [holder.partition] };
    return { index: "by_clinician", equals: [clinicianMac(this.#sealing, holder)] };
  }

  async #first(scan: Scan): Promise<StoredEmergency | undefined> {
    const { documents } = await this.#store.scan<EmergencyDocument>(emergencyAccesses.name, scan);
    return documents[0] && this.#open(documents[0]);
  }

  async #open(stored: Stored<EmergencyDocument>): Promise<StoredEmergency | undefined> {
    const access = await openEmergency(this.#sealing, stored.document);
    return access && { partition: stored.document.partition, access, stored };
  }
}

function replacing(document: EmergencyDocument, { revision }: Stored<EmergencyDocument>): Change {
  return { kind: "replace", collection: emergencyAccesses.name, document, ifRevision: revision };
}
