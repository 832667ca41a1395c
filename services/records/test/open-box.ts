import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "@wellapi/store";
import { openLocalKms, openVault, vaultCollections } from "@wellapi/vault";
import { onTestFinished } from "vitest";
import { createPatientBox, type PatientBox } from "../src/blocks/patient-box.ts";

/** What seals for a patient, with a key of a real vault. */
export async function openBox(): Promise<PatientBox> {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-blocks-"));
  const kms = await openLocalKms({ path: join(folder, "master.key") });
  const store = await openSqliteStore({ path: join(folder, "keys.db"), collections: vaultCollections });
  const vault = await openVault({ store, kms });
  onTestFinished(async () => {
    for (const { close } of [vault, store, kms]) await close();
    await rm(folder, { recursive: true });
  });
  await vault.create("eu/pat_1", "data");
  return createPatientBox(await vault.key("eu/pat_1", "data"));
}
