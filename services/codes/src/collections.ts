import { leavesCollection } from "@wellapi/access-log";
import type { CollectionDeclaration } from "@wellapi/store";

/** The partition of all that is loaded: it belongs to no patient. */
export const INSTALLATION = "codes";

export const collections = { releases: "code_releases", concepts: "code_concepts" } as const;

export const codesCollections: readonly CollectionDeclaration[] = [
  {
    name: collections.releases,
    key: ["partition", "id"],
    indexes: [{ name: "url", fields: ["partition", "kind", "url", "version"], unique: true }],
  },
  {
    name: collections.concepts,
    key: ["partition", "release", "system", "code"],
    indexes: [{ name: "name", fields: ["partition", "release", "name"] }],
  },
  leavesCollection,
];
