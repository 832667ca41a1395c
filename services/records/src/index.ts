export { BATCH_COMMITTED } from "./batch-committed.ts";
export type { RecordsConfig } from "./config.ts";
export { recordsCollections } from "./documents.ts";
export { RecordsError, type RecordsErrorCode } from "./errors.ts";
export { openRecordsService, type RecordsDeps, type RecordsServer } from "./service.ts";
