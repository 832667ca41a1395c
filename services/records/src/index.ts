export { recordsCollections } from "./blocks/documents.ts";
export { recordsCheck } from "./check.ts";
export type { RecordsConfig } from "./config.ts";
export { recordsService } from "./descriptor.ts";
export { RecordsError, type RecordsErrorCode } from "./errors.ts";
export { openRecordsService, type RecordsDeps, type RecordsServer } from "./service.ts";
export { BATCH_COMMITTED } from "./write/event-convert.ts";
