import { leavesCollection } from "@wellapi/access-log";
import { journalCollections } from "@wellapi/journal";
import type { CollectionDeclaration } from "@wellapi/store";
import { consentCollectionsOfPatients } from "./consent-repository.ts";
import { enforcerSessions } from "./session-repository.ts";

/** Everything that this service stores. */
export const consentCollections: readonly CollectionDeclaration[] = [
  ...consentCollectionsOfPatients,
  enforcerSessions,
  leavesCollection,
  ...journalCollections,
];
