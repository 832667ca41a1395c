import { randomUUID } from "node:crypto";
import type { Db } from "mongodb";
import { linearizable } from "./client.ts";
import { isDuplicateKey } from "./failure.ts";
import { LEASES } from "./system.ts";

const LEASE_MS = 30_000;

interface LeaseDocument {
  readonly _id: string;
  readonly holder: string;
  readonly until: Date;
}

export interface DatabaseLease {
  /** Aborts when the lease is lost: another process may hold it by then. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** Acquires the lease of this name, by the server's clock, or reports that another process holds it. */
export async function takeLease(db: Db, name: string): Promise<DatabaseLease | undefined> {
  const leases = db.collection<LeaseDocument>(LEASES);
  const holder = randomUUID();
  const until = { $add: ["$$NOW", LEASE_MS] };
  const free = { $lt: ["$until", "$$NOW"] };
  // A condition in the update, since MongoDB takes no `$expr` in the filter of an upsert.
  const take = { holder: { $cond: [free, holder, "$holder"] }, until: { $cond: [free, until, "$until"] } };
  try {
    await leases.updateOne({ _id: name }, [{ $set: take }], { upsert: true });
    if (!(await leases.findOne({ _id: name, holder }, linearizable(LEASE_MS)))) return undefined;
  } catch (error) {
    // Two processes inserted it at once.
    if (isDuplicateKey(error)) return undefined;
    throw error;
  }
  const lost = new AbortController();
  const timer = setInterval(async () => {
    try {
      const { matchedCount } = await leases.updateOne({ _id: name, holder }, [{ $set: { until } }]);
      if (matchedCount === 0) lost.abort();
    } catch {
      lost.abort();
    }
  }, LEASE_MS / 3);
  return {
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      await leases.deleteOne({ _id: name, holder });
    },
  };
}
