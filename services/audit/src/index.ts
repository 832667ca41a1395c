export type { AuditConfig } from "./config.ts";
export { AuditError, type AuditErrorCode } from "./errors.ts";
export { type AuditDeps, auditCollections, type OpenAuditService, openAuditService } from "./service.ts";
