import type { CollectionDeclaration, Document, OutboxEvent } from "@wellapi/store";

/** All of the embedded engine's documents lie in this partition: publishing is one total order. */
export const PARTITION = "events";

export const LOG = "event_log";
export const IDS = "event_ids";
export const HEAD = "event_head";
export const DURABLES = "event_durables";
export const RETRIES = "event_retries";
export const DEAD_LETTERS = "event_dead_letters";

/** The collections that the composition root declares in the store that it gives to `openEmbeddedEvents`. */
export const embeddedEventsCollections: readonly CollectionDeclaration[] = [
  { name: LOG, key: ["partition", "sequence"], indexes: [] },
  {
    name: IDS,
    key: ["partition", "id"],
    indexes: [{ name: "by_time", fields: ["partition", "publishedAt"] }],
  },
  { name: HEAD, key: ["partition"], indexes: [] },
  { name: DURABLES, key: ["partition", "durable"], indexes: [] },
  {
    name: RETRIES,
    key: ["partition", "durable", "sequence"],
    indexes: [{ name: "by_due", fields: ["partition", "durable", "dueAt", "sequence"] }],
  },
  { name: DEAD_LETTERS, key: ["partition", "durable", "sequence"], indexes: [] },
];

export type LoggedEvent = Document & { readonly sequence: number; readonly event: OutboxEvent };

/** An id that was published; `publishedAt` is in milliseconds and decides how long the id is known. */
export type PublishedId = Document & { readonly id: string; readonly publishedAt: number };

/** The last sequence that was given out; it outlives the log's entries. */
export type Head = Document & { readonly sequence: number };

/** A durable has processed everything up to `cursor`: handled, stored as a retry, or not among its subjects. */
export type Durable = Document & { readonly durable: string; readonly cursor: number };

/** An event whose handler failed `attempts` times, as a copy, so that the log can be pruned. */
export type Retry = LoggedEvent & {
  readonly durable: string;
  readonly attempts: number;
  readonly dueAt: number;
};

export type DeadLetter = LoggedEvent & { readonly durable: string; readonly error: string };
