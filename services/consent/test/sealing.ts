import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DamagedDocument } from "@wellapi/runtime";
import { openLocalKms, openVault, vaultCollections } from "@wellapi/vault";
import { afterAll } from "vitest";
import { createConsentSealing } from "../src/consent-sealing.ts";
import { createScopeSealing } from "../src/scope-sealing.ts";
import { createMemoryStore } from "./model/memory-store.ts";

const folder = mkdtempSync(join(tmpdir(), "wellapi-consent-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The real sealing, for tests without files: keys lie in memory and are the same for the whole test file. */
export const kms = await openLocalKms({ path: join(folder, "master.key") });
export const vault = await openVault({ store: createMemoryStore(vaultCollections), kms });
export const damaged: DamagedDocument[] = [];
const damage = { report: (one: DamagedDocument) => void damaged.push(one) };
export const sealing = await createConsentSealing({ vault, kms, damage });
export const scopes = await createScopeSealing(kms);
