import { randomBytes } from "node:crypto";
import { MongoClient } from "mongodb";
import { type CollectionDeclaration, openMongoStore, type Store } from "../src/index.ts";
import type { StoreUnderTest } from "./contract.ts";

export interface MongoUnderTest extends StoreUnderTest {
  readonly database: string;
}

export function databaseName(): string {
  return `wellapi_test_${randomBytes(6).toString("hex")}`;
}

/** A MongoDB store in a database of its own, which goes with it. */
export async function openMongoUnderTest(
  uri: string,
  collections: readonly CollectionDeclaration[],
): Promise<MongoUnderTest> {
  const database = databaseName();
  let store: Store = await openMongoStore({ uri, database, collections });
  return {
    database,
    get store() {
      return store;
    },
    async reopen() {
      await store.close();
      store = await openMongoStore({ uri, database, collections });
      return store;
    },
    async dispose() {
      await store.close();
      await dropDatabase(uri, database);
    },
  };
}

export async function dropDatabase(uri: string, database: string): Promise<void> {
  await withClient(uri, (client) => client.db(database).dropDatabase());
}

/** The plain driver beside the store, to look behind it and to harm it. */
export async function withClient<T>(uri: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(uri);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
