import { leavesCollection } from "@wellapi/access-log";
import { journalCollections } from "@wellapi/journal";
import type { CollectionDeclaration } from "@wellapi/store";
import { consentCollectionsOfPatients } from "./consent-repository.ts";
import { enforcerSessions, sessionLists } from "./session-repository.ts";

/** The collections of this service. */
export const consentCollections: readonly CollectionDeclaration[] = [
  ...consentCollectionsOfPatients,
  enforcerSessions,
  sessionLists,
  leavesCollection,
  ...journalCollections,
];
