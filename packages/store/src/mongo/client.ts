import {
  MongoClient,
  type MongoClientOptions,
  ReadConcern,
  type TransactionOptions,
  WriteConcern,
} from "mongodb";
import { StoreError } from "../errors.ts";

/** The write concern of every write: a majority of the replica set has it in its journal. */
export function durable(timeoutMs: number): WriteConcern {
  return new WriteConcern("majority", timeoutMs, true);
}

export function transactionOptions(timeoutMs: number): TransactionOptions {
  return {
    readConcern: new ReadConcern("majority"),
    writeConcern: durable(timeoutMs),
    readPreference: "primary",
    maxCommitTimeMS: timeoutMs,
  };
}

/**
 * The read concern of a read by key: MongoDB answers only after a majority has confirmed that this primary is the
 * primary.
 */
export function linearizable(timeoutMs: number) {
  return { readConcern: { level: "linearizable" }, readPreference: "primary", maxTimeMS: timeoutMs } as const;
}

/** The read concern of a scan: one point in time, also on a sharded cluster, of data that a majority has. */
export function snapshot(timeoutMs: number) {
  return { readConcern: { level: "snapshot" }, readPreference: "primary", maxTimeMS: timeoutMs } as const;
}

/**
 * A client of the store. The options win over those in the URI, so that no connection string weakens a guarantee.
 * `timeoutMs` bounds every wait for a server; 0 lets a command take its time, as an index build does.
 */
export function createClient(
  uri: string,
  timeoutMs: number,
  maxPoolSize: number,
  monitorCommands: boolean,
): MongoClient {
  const selection = timeoutMs === 0 ? 10_000 : Math.min(timeoutMs, 10_000);
  const options: MongoClientOptions = {
    appName: "wellapi-store",
    maxPoolSize,
    // Both timeouts together: a connection that a firewall or a dead machine forgot is given up within four seconds,
    // with all calls that wait for a connection of its pool.
    connectTimeoutMS: Math.min(selection, 3_000),
    heartbeatFrequencyMS: 1_000,
    serverSelectionTimeoutMS: selection,
    waitQueueTimeoutMS: selection,
    socketTimeoutMS: timeoutMs,
    readPreference: "primary",
    readConcern: { level: "majority" },
    writeConcern: durable(timeoutMs),
    retryReads: true,
    retryWrites: true,
    monitorCommands,
  };
  try {
    return new MongoClient(uri, options);
  } catch {
    // Not as a cause: the driver's message may hold the URI with its password.
    throw new StoreError("invalid", "the MongoDB URI is malformed");
  }
}
