import type { LeafSealer } from "@wellapi/access-log";
import { createTextMac, type Kms, type PatientKey, type Vault, VaultError } from "@wellapi/vault";
import { INSTALLATION_PARTITION } from "./access.ts";

/** Seals accesses: a patient's under the patient's `audit` key, others under the service's own key. */
export interface AccessSealing {
  /** Undefined where the patient's audit key was destroyed: then only the entry may be kept. */
  seal(partition: string, id: string, plaintext: Uint8Array): Promise<Uint8Array | undefined>;
  /** Undefined where the patient's audit key was destroyed. */
  open(partition: string, id: string, sealed: Uint8Array): Promise<Uint8Array | undefined>;
  /**
   * Stands for an organization beside what is sealed, so that nobody who has the store alone learns who accessed whose data:
   * a MAC under a key of the installation.
   */
  tagOf(organization: string): string;
  /** Finds a row of the usage without saying what it is about. */
  macOf(text: string): string;
}

/** No id of an organization begins with it. */
const TAG = "mac:";

export function isTag(text: string): boolean {
  return text.startsWith(TAG);
}

export async function createAccessSealing(deps: {
  readonly vault: Vault;
  readonly sealer: LeafSealer;
  readonly kms: Pick<Kms, "derive">;
}): Promise<AccessSealing> {
  const { vault, sealer } = deps;
  const macOf = createTextMac(await deps.kms.derive("audit/organizations"));
  const usageMacOf = createTextMac(await deps.kms.derive("audit/usage"));
  const contextOf = (partition: string, id: string) => JSON.stringify(["accesses", partition, id]);

  /** The key lives in the vault's cache and may be dropped: use it in the same turn. */
  async function withKey<T>(partition: string, use: (key: PatientKey) => T): Promise<T | undefined> {
    try {
      return use(await vault.key(partition, "audit"));
    } catch (error) {
      if (error instanceof VaultError && error.code === "destroyed") return undefined;
      throw error;
    }
  }

  /** Identity makes the key with the patient; a leaf must not be lost because the key is missing. */
  async function ensureKey(partition: string): Promise<void> {
    try {
      await vault.key(partition, "audit");
    } catch (error) {
      if (!(error instanceof VaultError && error.code === "no_key")) return;
      await vault.create(partition, "audit");
    }
  }

  return {
    async seal(partition, id, plaintext) {
      if (partition === INSTALLATION_PARTITION) return sealer.seal(partition, id, plaintext);
      await ensureKey(partition);
      return withKey(partition, (key) => key.seal(contextOf(partition, id), plaintext));
    },
    async open(partition, id, sealed) {
      if (partition === INSTALLATION_PARTITION) return sealer.open(partition, id, sealed);
      return withKey(partition, (key) => key.open(contextOf(partition, id), sealed));
    },
    tagOf: (organization) => TAG + macOf(organization),
    macOf: usageMacOf,
  };
}
