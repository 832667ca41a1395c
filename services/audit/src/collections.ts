import type { CollectionDeclaration } from "@wellapi/store";
import { accessesCollection } from "./access-repository.ts";
import { logCollections } from "./log-repository.ts";

/** What the audit service keeps in its store. */
export const auditCollections: readonly CollectionDeclaration[] = [accessesCollection, ...logCollections];
