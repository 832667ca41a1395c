export type { Replay } from "./catch-up.ts";
export { journalCheck } from "./check.ts";
export { JournalError, type JournalErrorCode } from "./errors.ts";
export { type FileJournal, journalRetentionDays, openFileJournal } from "./file-journal.ts";
export {
  createFollower,
  type Follower,
  type FollowerOptions,
  type JournalAccess,
} from "./follower.ts";
export { createJournal } from "./journal.ts";
export {
  type JournalRepositoryOptions,
  journalRepositoryCollections,
  openJournalRepository,
} from "./journal-repository.ts";
export { journalCollections } from "./mark-repository.ts";
export type { Entry, Extent, Fact, FactKind, Journal, JournalRepository, Link } from "./port.ts";
export { factKinds } from "./port.ts";
