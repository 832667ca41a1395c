export { recordsCheck } from "./check.ts";
export type { RecordsConfig } from "./config.ts";
export { recordsCollections } from "./documents.ts";
export { RecordsError, type RecordsErrorCode } from "./errors.ts";
export { BATCH_COMMITTED } from "./event-convert.ts";
export { openRecordsService, type RecordsDeps, type RecordsServer } from "./service.ts";
