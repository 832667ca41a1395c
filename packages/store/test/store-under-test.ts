import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CollectionDeclaration,
  openSqliteStore,
  type SqliteStoreOptions,
  type Store,
} from "../src/index.ts";
import type { StoreUnderTest } from "./contract.ts";

export interface SqliteUnderTest extends StoreUnderTest {
  readonly folder: string;
  readonly path: string;
}

/** A SQLite store in a temporary folder of its own. */
export async function openSqliteUnderTest(
  collections: readonly CollectionDeclaration[],
  options: Pick<SqliteStoreOptions, "maxBytes" | "thread"> = {},
): Promise<SqliteUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-store-"));
  const path = join(folder, "store.db");
  let store: Store = await openSqliteStore({ path, collections, ...options });
  return {
    folder,
    path,
    get store() {
      return store;
    },
    async reopen() {
      await store.close();
      store = await openSqliteStore({ path, collections, ...options });
      return store;
    },
    async dispose() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}
