import type { DamageReporter } from "@wellapi/runtime";
import { createTextMac, type Kms, type PatientKey, type Vault, VaultError } from "@wellapi/vault";
import { ConsentError } from "./errors.ts";

/** Where sealed content lies: the collection, the partition, and the rest of the document's key. */
export type Place = readonly [collection: string, partition: string, ...key: readonly (string | number)[]];

/**
 * Seals what a patient's consents say under the patient's `audit` key, because the proof of a consent outlives an erasure
 * (docs/decisions/0034).
 */
export interface ConsentSealing {
  /**
   * The key that seals, made where the patient has none; undefined where it was destroyed. It lives in the vault's cache
   * and may be dropped: use it in the same turn.
   */
  key(partition: string): Promise<PatientKey | undefined>;
  /**
   * Undefined where the key was destroyed: the retention is over. Throws ConsentError `unreadable` for damage, and VaultError
   * `unavailable`.
   */
  open<T>(place: Place, sealed: Uint8Array): Promise<T | undefined>;
  /** Stands for an organization where it is not sealed: a MAC under a key of the installation. */
  tagOf(organization: string): string;
}

export async function createConsentSealing(deps: {
  readonly vault: Pick<Vault, "key" | "create">;
  readonly kms: Pick<Kms, "derive">;
  readonly damage: DamageReporter;
}): Promise<ConsentSealing> {
  const { vault, damage } = deps;
  const tagOf = createTextMac(await deps.kms.derive("consent/grantees"));

  return {
    async key(partition) {
      try {
        return await vault.key(partition, "audit");
      } catch (error) {
        if (!(error instanceof VaultError)) throw error;
        if (error.code === "destroyed") return undefined;
        if (error.code !== "no_key") throw error;
      }
      await vault.create(partition, "audit");
      return vault.key(partition, "audit");
    },
    async open<T>(place: Place, sealed: Uint8Array) {
      try {
        const key = await vault.key(place[1], "audit");
        return openContent<T>(key, place, sealed);
      } catch (cause) {
        if (!(cause instanceof VaultError) || cause.code === "unavailable") throw cause;
        if (cause.code === "destroyed") return undefined;
        const [collection, ...document] = place;
        const what = cause.code === "no_key" ? "its key is missing" : "its seal does not open";
        damage.report({ collection, document: document.map(String), what }, cause);
        throw new ConsentError("unreadable", { cause });
      }
    },
    tagOf,
  };
}

/** JSON: content consists of strings, numbers, booleans, lists and objects. */
export function sealContent(key: PatientKey, place: Place, content: object): Uint8Array {
  return key.seal(JSON.stringify(place), Buffer.from(JSON.stringify(content)));
}

/** Throws VaultError `tampered`. */
export function openContent<T>(key: PatientKey, place: Place, sealed: Uint8Array): T {
  return JSON.parse(Buffer.from(key.open(JSON.stringify(place), sealed)).toString()) as T;
}
