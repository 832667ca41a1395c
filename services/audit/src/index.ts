export { auditCheck } from "./check.ts";
export { auditCollections } from "./collections.ts";
export type { AuditConfig } from "./config.ts";
export { auditService } from "./descriptor.ts";
export { entriesOfMirror, entriesOfStore } from "./entry-sources.ts";
export { AuditError, type AuditErrorCode } from "./errors.ts";
export { logSurface } from "./log-surface.ts";
export { type LogRepair, type RepairOptions, repairLog } from "./repair.ts";
export { type AuditDeps, type OpenAuditService, openAuditService } from "./service.ts";
