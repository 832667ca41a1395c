import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "@wellapi/store";
import { openLocalKms, openVault, vaultCollections } from "@wellapi/vault";
import { onTestFinished } from "vitest";
import { recordsCollections } from "../src/blocks/documents.ts";
import { createPatientBox, type PatientBox } from "../src/blocks/patient-box.ts";

/** A real vault with a key for a patient, and an empty store for their records. */
export async function openStoreAndVault(partition: string) {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-blocks-"));
  const kms = await openLocalKms({ path: join(folder, "master.key") });
  const keys = await openSqliteStore({
    thread: "callers",
    path: join(folder, "keys.db"),
    collections: vaultCollections,
  });
  const store = await openSqliteStore({
    thread: "callers",
    path: join(folder, "records.db"),
    collections: recordsCollections,
  });
  const vault = await openVault({ store: keys, kms });
  onTestFinished(async () => {
    for (const opened of [vault, store, keys, kms]) await opened.close();
    await rm(folder, { recursive: true });
  });
  await vault.create(partition, "data");
  return { store, vault };
}

/** What seals for a patient. */
export async function openBox(): Promise<PatientBox> {
  const { vault } = await openStoreAndVault("eu/pat_1");
  return createPatientBox(await vault.key("eu/pat_1", "data"));
}
