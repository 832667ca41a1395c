export { IngestionError, type IngestionErrorCode } from "./errors.ts";
export {
  type IngestionConfig,
  type IngestionDeps,
  type IngestionServer,
  ingestionSelfValidating,
  openIngestionService,
} from "./service.ts";
