import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "@wellapi/store";
import { openSqliteStore } from "@wellapi/store";
import type { OpenKms, OpenVault } from "../src/index.ts";
import { openLocalKms, openVault, vaultCollections } from "../src/index.ts";

/** A vault on a real store and key file, that can be closed and opened again on the same files. */
export interface Installation {
  readonly folder: string;
  readonly keyPath: string;
  store: Store;
  kms: OpenKms;
  vault: OpenVault;
  reopen(): Promise<void>;
  /** The bytes of every file of the store. */
  storeFiles(): Promise<readonly Buffer[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openInstallation(cacheKeys?: number): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-vault-"));
  const keyPath = join(folder, "master.key");
  const openAll = async () => {
    const store = await openSqliteStore({
      thread: "callers",
      path: join(folder, "keys.db"),
      collections: vaultCollections,
    });
    const kms = await openLocalKms({ path: keyPath });
    const vault = await openVault({ store, kms, ...(cacheKeys === undefined ? {} : { cacheKeys }) });
    return { store, kms, vault };
  };
  const closeAll = async () => {
    await installation.vault.close();
    await installation.kms.close();
    await installation.store.close();
  };
  const installation: Installation = {
    folder,
    keyPath,
    ...(await openAll()),
    async reopen() {
      await closeAll();
      Object.assign(installation, await openAll());
    },
    async storeFiles() {
      const names = (await readdir(folder)).filter((name) => name.startsWith("keys.db"));
      return Promise.all(names.map((name) => readFile(join(folder, name))));
    },
    async [Symbol.asyncDispose]() {
      await closeAll();
      await rm(folder, { recursive: true });
    },
  };
  return installation;
}
