import { type LeafSealer, leafCheck, leavesCollection } from "@wellapi/access-log";
import type { StoreCheck } from "@wellapi/store";
import { codesCollections } from "./collections.ts";

/** The checks of this service's store, without the service: what is loaded is in clear, and can be loaded again. */
export function codesCheck({ sealer }: { readonly sealer: LeafSealer }): StoreCheck {
  return { collections: codesCollections, documents: { [leavesCollection.name]: leafCheck(sealer) } };
}
