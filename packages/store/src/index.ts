export {
  type DocumentCheck,
  type Finding,
  findingOf,
  RESTORE,
  type Reads,
  type StoreCheck,
} from "./check.ts";
export { checkOutboxEvent } from "./commit.ts";
export {
  type DocumentMigration,
  documentMigrations,
  type Migrated,
  migrateDocuments,
} from "./document-migration.ts";
export type { StoreErrorCode } from "./errors.ts";
export { StoreError } from "./errors.ts";
export { openMongoStore } from "./mongo/open.ts";
export type { MongoStoreOptions } from "./mongo/store.ts";
export { pages, scanPages } from "./pages.ts";
export type {
  Change,
  CollectionDeclaration,
  Commit,
  CommitResult,
  Document,
  IndexDeclaration,
  IndexValue,
  OutboxEntry,
  OutboxEvent,
  Page,
  Scan,
  Store,
  Stored,
} from "./port.ts";
export { copySqliteFile } from "./sqlite/copy.ts";
export { type Examined, openSqliteReader, type SqliteReader } from "./sqlite/reader.ts";
export type { SqliteStore, SqliteStoreOptions, StoreThread } from "./sqlite/store.ts";
export { openSqliteStore } from "./sqlite/store.ts";
