import { type CollectionDeclaration, documentMigrations } from "@wellapi/store";
import { accessesCollection } from "./access-repository.ts";
import { logCollections } from "./log-repository.ts";
import { requestsCollection } from "./requests/request-pages.ts";
import { usageCollection } from "./usage/usage-repository.ts";

/** The collections of the audit service. */
export const auditCollections: readonly CollectionDeclaration[] = [
  accessesCollection,
  documentMigrations,
  ...logCollections,
  usageCollection,
  requestsCollection,
];
