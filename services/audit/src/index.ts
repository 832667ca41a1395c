export type { AuditConfig } from "./config.ts";
export { AuditError, type AuditErrorCode } from "./errors.ts";
export type { PageTokens } from "./page-tokens.ts";
export { type AuditDeps, auditCollections, type OpenAuditService, openAuditService } from "./service.ts";
