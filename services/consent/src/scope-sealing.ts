import { createItemSealer, type Kms, VaultError } from "@wellapi/vault";
import { type RecallScope, scopeOfEverybody } from "./consent.ts";

/** Seals which organizations a recall concerns, for as long as the recall is stored. */
export interface ScopeSealing {
  /** `place`: collection, and what names the recall there. */
  seal(place: readonly string[], scope: RecallScope): Uint8Array;
  /** A scope that does not open concerns everybody: a recall never fails because of damage. */
  open(place: readonly string[], sealed: Uint8Array): RecallScope;
}

export async function createScopeSealing(kms: Pick<Kms, "derive">): Promise<ScopeSealing> {
  const items = createItemSealer(await kms.derive("consent/recalls"));
  return {
    seal: (place, { onlyWidens, grantees }) =>
      items.seal(place, Buffer.from(JSON.stringify({ onlyWidens, grantees }))),
    open(place, sealed) {
      try {
        return JSON.parse(Buffer.from(items.open(place, sealed)).toString()) as RecallScope;
      } catch (error) {
        if (error instanceof VaultError) return scopeOfEverybody;
        throw error;
      }
    },
  };
}
