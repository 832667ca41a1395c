import { AccessLogError, type LeafSealer } from "@wellapi/access-log";
import type { DamageReporter } from "@wellapi/runtime";
import {
  type Change,
  type CollectionDeclaration,
  type Document,
  type Store,
  type Stored,
  StoreError,
} from "@wellapi/store";
import { type Interval, LOG_PARTITION } from "../access.ts";
import type { AccessSealing } from "../access-sealing.ts";
import { damagedUsage } from "../errors.ts";
import { addCounted, type Counted, type UsageRow } from "./usage.ts";

/**
 * In the partition of the log, so that entries are counted by the commit that gives them their place. What is counted is sealed: an
 * application's id beside the organization's tag would tell whose tag it is, and so who accessed whose data.
 */
type UsageDocument = Document & {
  /** Tag of the organization (access-sealing.ts). */
  readonly organization: string;
  /** UTC days since 1970. */
  readonly day: number;
  /** MAC of application and RPC. */
  readonly row: string;
  readonly sealed: Uint8Array;
};

export const usageCollection: CollectionDeclaration = {
  name: "usage",
  key: ["partition", "organization", "day", "row"],
  indexes: [],
};

export interface DayRow {
  readonly day: number;
  readonly row: UsageRow;
}

export interface UsageRepository {
  /** What waits beside a leaf until it has its place. */
  seal(leaf: string, counted: Counted): Uint8Array;
  /**
   * The changes that count these leaves, for the commit that gives them their places. What is damaged is reported and not counted: it must not
   * stop the log. Throws StoreError `unavailable`.
   */
  changesOf(
    leaves: ReadonlyArray<{ readonly id: string; readonly counted: Uint8Array | undefined }>,
  ): Promise<readonly Change[]>;
  /**
   * Of days `[from, to)`, the newest first. Throws AuditError `damaged`: a sum with a gap would look whole.
   */
  list(
    organization: string,
    days: Required<Interval>,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ readonly rows: readonly DayRow[]; readonly cursor: string | undefined }>;
}

const partition = LOG_PARTITION;
const { name: collection } = usageCollection;

export function createUsageRepository(deps: {
  readonly store: Store;
  readonly sealer: LeafSealer;
  readonly sealing: Pick<AccessSealing, "tagOf" | "macOf">;
  readonly damage: DamageReporter;
}): UsageRepository {
  const { store, sealer, sealing, damage } = deps;

  function keyOf({ organization, day, application, method }: Counted): DayKey {
    const row = sealing.macOf(JSON.stringify([application, method]));
    return { organization: sealing.tagOf(organization), day, row };
  }

  function open<T>(place: string, id: string, sealed: Uint8Array): T {
    return JSON.parse(Buffer.from(sealer.open(place, id, sealed)).toString()) as T;
  }

  /** What leaves add, but for what is damaged. */
  function countedOnes(leaves: Parameters<UsageRepository["changesOf"]>[0]): Counted[] {
    return leaves.flatMap(({ id, counted }): Counted[] => {
      if (counted === undefined) return [];
      try {
        return [open<Counted>(PENDING, id, counted)];
      } catch (cause) {
        if (!isDamaged(cause)) throw cause;
        const what = "what it adds to the usage does not open";
        damage.report({ collection: "log_leaves", document: [partition, id], what }, cause);
        return [];
      }
    });
  }

  async function changeOf(key: DayKey, counted: readonly Counted[]): Promise<Change | undefined> {
    try {
      const stored = await store.get<UsageDocument>(collection, [partition, ...placeOf(key)]);
      const before = stored && open<UsageRow>(ROWS, placeId(key), stored.document.sealed);
      const row = counted.reduce<UsageRow | undefined>(addCounted, before);
      const sealed = sealer.seal(ROWS, placeId(key), Buffer.from(JSON.stringify(row)));
      const document: UsageDocument = { partition, ...key, sealed };
      if (stored === undefined) return { kind: "insert", collection, document };
      return { kind: "replace", collection, document, ifRevision: stored.revision };
    } catch (cause) {
      if (!isDamaged(cause)) throw cause;
      report(key, cause);
      return undefined;
    }
  }

  function report(key: DayKey, cause: unknown): void {
    const document = [partition, ...placeOf(key).map(String)];
    damage.report({ collection, document, what: "the usage of a day does not open" }, cause);
  }

  function opened({ document }: Stored<UsageDocument>): DayRow {
    try {
      return { day: document.day, row: open<UsageRow>(ROWS, placeId(document), document.sealed) };
    } catch (cause) {
      if (!isDamaged(cause)) throw cause;
      report(document, cause);
      throw damagedUsage();
    }
  }

  return {
    seal: (leaf, counted) => sealer.seal(PENDING, leaf, Buffer.from(JSON.stringify(counted))),
    async changesOf(leaves) {
      const byRow = new Map<string, { readonly key: DayKey; readonly counted: Counted[] }>();
      for (const counted of countedOnes(leaves)) {
        const key = keyOf(counted);
        const group = byRow.get(placeId(key)) ?? { key, counted: [] };
        group.counted.push(counted);
        byRow.set(placeId(key), group);
      }
      const changes = await Promise.all(
        [...byRow.values()].map(({ key, counted }) => changeOf(key, counted)),
      );
      return changes.filter((change) => change !== undefined);
    },
    async list(organization, range, limit, cursor) {
      const page = await store.scan<UsageDocument>(collection, {
        equals: [partition, sealing.tagOf(organization)],
        range,
        order: "descending",
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      return { rows: page.documents.map(opened), cursor: page.cursor };
    },
  };
}

interface DayKey {
  readonly organization: string;
  readonly day: number;
  readonly row: string;
}

/** Whether what the document counts opens: for the checks of the store. */
export function isWholeUsage(sealer: LeafSealer, document: Document): boolean {
  const usage = document as UsageDocument;
  try {
    sealer.open(ROWS, placeId(usage), usage.sealed);
    return true;
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return false;
  }
}

/** Places of the sealer. */
const PENDING = "usage";
const ROWS = "usage/days";

function placeOf({ organization, day, row }: DayKey) {
  return [organization, day, row] as const;
}

function placeId(key: DayKey): string {
  return JSON.stringify(placeOf(key));
}

function isDamaged(error: unknown): boolean {
  if (error instanceof AccessLogError) return error.code === "tampered";
  return error instanceof StoreError && error.code === "damaged";
}
