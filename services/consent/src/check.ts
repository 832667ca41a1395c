import { type LeafSealer, leafCheck, leavesCollection } from "@wellapi/access-log";
import type { StoreCheck } from "@wellapi/store";
import { consentCollections } from "./collections.ts";

/** The checks of this service's store, without the service. Consents are in clear: ids, terms and times. */
export function consentCheck({ sealer }: { readonly sealer: LeafSealer }): StoreCheck {
  return {
    collections: consentCollections,
    documents: { [leavesCollection.name]: leafCheck(sealer) },
  };
}
