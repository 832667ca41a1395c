import { leavesCollection } from "@wellapi/access-log";
import { journalCollections } from "@wellapi/journal";
import { type CollectionDeclaration, documentMigrations } from "@wellapi/store";
import { consentRevisions, consents, currentConsents } from "./consent-documents.ts";
import { deathReports } from "./death/death-documents.ts";
import { emergencyAccesses, emergencyAttempts, emergencyCodes } from "./emergency/emergency-documents.ts";
import { deletionObligations, deletionTimers } from "./obligations/obligation-documents.ts";
import { pendingRecalls } from "./pending-recall-repository.ts";
import { consentAskings, consentRequestDays, consentRequests } from "./requests/request-documents.ts";
import { rightsRequests } from "./rights/rights-documents.ts";
import { sessionLists } from "./session-list.ts";
import { enforcerSessions } from "./session-repository.ts";

/** The collections of this service. */
export const consentCollections: readonly CollectionDeclaration[] = [
  currentConsents,
  consents,
  consentRevisions,
  pendingRecalls,
  documentMigrations,
  enforcerSessions,
  sessionLists,
  emergencyAccesses,
  emergencyCodes,
  emergencyAttempts,
  deathReports,
  consentRequests,
  consentAskings,
  consentRequestDays,
  deletionTimers,
  deletionObligations,
  rightsRequests,
  leavesCollection,
  ...journalCollections,
];
