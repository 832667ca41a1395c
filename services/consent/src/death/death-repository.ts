import type { Change, Scan, Store, Stored } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import type { Page } from "../consent-repository.ts";
import type { ConsentSealing } from "../consent-sealing.ts";
import type { DeathReport } from "./death.ts";
import {
  type DeathDocument,
  deathDocument,
  deathReports,
  openDeath,
  reporterMac,
} from "./death-documents.ts";

/** A report with its patient. */
export interface KeptReport {
  readonly partition: string;
  readonly report: DeathReport;
}

export type StoredReport = KeptReport & { readonly stored: Stored<DeathDocument> };

/** Whose reports are listed. */
export type ReportHolder = { readonly organization: string } | "everybody";

const { name: collection } = deathReports;
/** Of a patient: reports that are looked through for one that waits. */
const MOST_OF_PATIENT = 1_000;

/** Stored reports of deaths. Throws StoreError, VaultError `unavailable`, and ConsentError `unreadable`. */
export class DeathRepository {
  readonly #store: Store;
  readonly #sealing: ConsentSealing;

  constructor(store: Store, sealing: ConsentSealing) {
    this.#store = store;
    this.#sealing = sealing;
  }

  async get(partition: string, report: string): Promise<StoredReport | undefined> {
    const stored = await this.#store.get<DeathDocument>(collection, [partition, report]);
    return stored && this.#open(stored);
  }

  /** Of any patient. */
  async find(report: string): Promise<StoredReport | undefined> {
    return (await this.#scan({ index: "by_report", equals: [report], limit: 1 })).reports[0];
  }

  async findByRequest(requestMac: string): Promise<StoredReport | undefined> {
    return (await this.#scan({ index: "by_request", equals: [requestMac], limit: 1 })).reports[0];
  }

  async ofPatient(partition: string): Promise<readonly StoredReport[]> {
    return (await this.#scan({ equals: [partition], limit: MOST_OF_PATIENT })).reports;
  }

  /** Newest first. What was sealed with a destroyed key is left out, so a page may be short. */
  async list(
    holder: ReportHolder,
    { limit, cursor }: Page,
  ): Promise<{ readonly reports: readonly KeptReport[]; readonly cursor?: string }> {
    return this.#scan({
      ...(holder === "everybody"
        ? { index: "by_time", equals: [] }
        : { index: "by_organization", equals: [reporterMac(this.#sealing, holder.organization)] }),
      order: "descending",
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
  }

  /** Of which identity may not know yet, oldest first. */
  async untold(limit: number): Promise<readonly StoredReport[]> {
    return (await this.#scan({ index: "by_told", equals: [false], limit })).reports;
  }

  /** Notes that identity knows these decisions; later ones are not touched. */
  async tick({ partition, report }: KeptReport): Promise<void> {
    for (;;) {
      const stored = await this.#store.get<DeathDocument>(collection, [partition, report.id]);
      if (stored === undefined || stored.document.told) return;
      if (stored.document.decisions !== report.decisions.length) return;
      const change = replacing({ ...stored.document, told: true }, stored);
      if ((await this.#store.commit({ partition, changes: [change] })).committed) return;
    }
  }

  /** Undefined where the patient's key was destroyed. False where it was not stored, because the request is repeated. */
  async insert(kept: KeptReport, requestMac: string, leaf: Change): Promise<boolean | undefined> {
    const key = await this.#sealing.key(kept.partition);
    if (key === undefined) return undefined;
    const changes = [this.insertion(key, kept, requestMac), leaf];
    return (await this.#store.commit({ partition: kept.partition, changes })).committed;
  }

  /** A change of the report alone. Undefined and false as `insert`. */
  async replace(found: StoredReport, next: DeathReport, leaf: Change): Promise<boolean | undefined> {
    const key = await this.#sealing.key(found.partition);
    if (key === undefined) return undefined;
    const changes = [this.replacement(key, found, next, true), leaf];
    return (await this.#store.commit({ partition: found.partition, changes })).committed;
  }

  insertion(key: PatientKey, { partition, report }: KeptReport, requestMac: string, told = false): Change {
    const organization_mac = reporterMac(this.#sealing, report.organization);
    const kept = { partition, organization_mac, request_mac: requestMac, told };
    return { kind: "insert", collection, document: deathDocument(key, kept, report) };
  }

  /** Refused as a conflict where it changed since it was read. */
  replacement(key: PatientKey, { stored }: StoredReport, next: DeathReport, told = false): Change {
    return replacing(deathDocument(key, { ...stored.document, told }, next), stored);
  }

  /** Stands for a request. */
  requestMacOf(organization: string, requestId: string): string {
    return this.#sealing.tagOf(`death request ${organization} ${requestId}`);
  }

  async #scan(scan: Scan): Promise<{ readonly reports: readonly StoredReport[]; readonly cursor?: string }> {
    const { documents, cursor } = await this.#store.scan<DeathDocument>(collection, scan);
    const opened = await Promise.all(documents.map((one) => this.#open(one)));
    const reports = opened.filter((one) => one !== undefined);
    return { reports, ...(cursor === undefined ? {} : { cursor }) };
  }

  async #open(stored: Stored<DeathDocument>): Promise<StoredReport | undefined> {
    const report = await openDeath(this.#sealing, stored.document);
    return report && { partition: stored.document.partition, report, stored };
  }
}

function replacing(document: DeathDocument, { revision }: Stored<DeathDocument>): Change {
  return { kind: "replace", collection, document, ifRevision: revision };
}
