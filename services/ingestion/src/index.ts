export { ingestionService } from "./descriptor.ts";
export { IngestionError, type IngestionErrorCode } from "./errors.ts";
export { ingestionSelfValidating } from "./handlers.ts";
export { EARLIEST_TIME_MS, FUTURE_SKEW_MS } from "./limits.ts";
export { type IngestionDeps, type OpenIngestionService, openIngestionService } from "./service.ts";
