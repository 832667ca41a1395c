import { type Store, scanPages } from "@wellapi/store";
import type { Pairwise } from "@wellapi/vault";
import type { TotalDocument } from "../blocks/documents.ts";

/** What an organization may hold of all its patients together (decision 0032). */
export interface TotalLimits {
  /** Sealed bytes, counted as `HoldingLimits` says. */
  readonly bytes: number;
  readonly series: number;
}

export type TotalProblem = "ORGANIZATION_STORAGE_LIMIT" | "ORGANIZATION_SERIES_LIMIT";

/** Bytes and series that came, or went. */
export interface Amount {
  readonly bytes: number;
  readonly series: number;
}

/**
 * What organizations hold of all their patients. No commit of a patient's data waits for the count, because all patients of an
 * organization share it: each process adds up what it has committed, and `save` stores the sum, some seconds later. So the
 * count lags by what other replicas have not saved yet, and a process that dies takes its unsaved part with it.
 */
export interface OrganizationTotals {
  /** Why the organization may not add this; undefined where it may. Adds nothing. Throws StoreError. */
  problemOf(organization: string, more: Amount): Promise<TotalProblem | undefined>;
  /** Notes what was committed, or with negative numbers what has gone. */
  add(organization: string, more: Amount): void;
  /** Every organization that has a count. Throws StoreError. */
  organizations(): Promise<string[]>;
  /** Stores what was added. What could not be stored stays for the next time. Throws StoreError. */
  save(): Promise<void>;
}

const MAX_ATTEMPTS = 16;
const ORGANIZATIONS_A_PAGE = 1_000;
const collection = "organization_totals";
const party = "organization totals";
const prefix = "organization/";
const nothing: Amount = { bytes: 0, series: 0 };

/** `pairwise`: the store names no organization in clear. */
export function createOrganizationTotals(
  store: Store,
  pairwise: Pairwise,
  limits: TotalLimits,
): OrganizationTotals {
  const partitionOf = (organization: string) => prefix + pairwise.outward(party, organization);

  /** As last read or written. Only of organizations of late: what another replica adds is seen at the next look. */
  const saved = new Map<string, Promise<Amount>>();
  const unsaved = new Map<string, Amount>();

  const load = (organization: string) => store.get<TotalDocument>(collection, [partitionOf(organization)]);

  /** A failed look is forgotten, so that the next one tries again. */
  function savedOf(organization: string): Promise<Amount> {
    const known = saved.get(organization);
    if (known !== undefined) return known;
    const loading = load(organization).then((found) => found?.document ?? nothing);
    saved.set(organization, loading);
    loading.catch(() => saved.delete(organization));
    return loading;
  }

  /** False where another replica came between. */
  async function saveOne(organization: string, more: Amount): Promise<boolean> {
    const before = await load(organization);
    const { bytes, series } = sum(before?.document ?? nothing, more);
    const partition = partitionOf(organization);
    const document: TotalDocument = { partition, bytes, series };
    const { committed } = await store.commit({
      partition,
      changes: [
        before === undefined
          ? { kind: "insert", collection, document }
          : { kind: "replace", collection, document, ifRevision: before.revision },
      ],
    });
    if (committed) saved.set(organization, Promise.resolve({ bytes, series }));
    return committed;
  }

  return {
    async problemOf(organization, more) {
      const { bytes, series } = sum(await savedOf(organization), unsaved.get(organization) ?? nothing);
      // As for a patient: a limit that was lowered refuses nothing that adds nothing.
      if (more.bytes > 0 && bytes + more.bytes > limits.bytes) return "ORGANIZATION_STORAGE_LIMIT";
      if (more.series > 0 && series + more.series > limits.series) return "ORGANIZATION_SERIES_LIMIT";
      return undefined;
    },
    add(organization, more) {
      if (more.bytes === 0 && more.series === 0) return;
      const before = unsaved.get(organization) ?? nothing;
      unsaved.set(organization, { bytes: before.bytes + more.bytes, series: before.series + more.series });
    },
    async organizations() {
      const found = new Set(unsaved.keys());
      const all = scanPages<TotalDocument>(store, collection, { equals: [], limit: ORGANIZATIONS_A_PAGE });
      for await (const { documents } of all)
        for (const { document } of documents) {
          const organization = pairwise.inward(party, "org", document.partition.slice(prefix.length));
          if (organization !== undefined) found.add(organization);
        }
      return [...found];
    },
    async save() {
      // What nothing was added to is read again before it is next asked for: other replicas may have added to it.
      for (const organization of saved.keys()) if (!unsaved.has(organization)) saved.delete(organization);
      for (const [organization, more] of [...unsaved]) {
        let stored = false;
        for (let i = 0; i < MAX_ATTEMPTS && !stored; i++) stored = await saveOne(organization, more);
        if (!stored) continue;
        const { bytes, series } = unsaved.get(organization)!;
        const left = { bytes: bytes - more.bytes, series: series - more.series };
        if (left.bytes === 0 && left.series === 0) unsaved.delete(organization);
        else unsaved.set(organization, left);
      }
    },
  };
}

/** Never below nothing: what an unsaved part has lost may be taken off again by an erasure. */
function sum(one: Amount, other: Amount): Amount {
  return {
    bytes: Math.max(0, one.bytes + other.bytes),
    series: Math.max(0, one.series + other.series),
  };
}
