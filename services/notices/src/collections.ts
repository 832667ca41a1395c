import { leavesCollection } from "@wellapi/access-log";
import { handledEventsCollections } from "@wellapi/events";
import { journalCollections } from "@wellapi/journal";
import type { CollectionDeclaration, Document } from "@wellapi/store";
import { feeds, feedTimers, organizationEvents } from "./organizations/feed-documents.ts";
import { alerts, endpoints, places, webhookDeliveries } from "./webhooks/webhook-documents.ts";

/** The partition of what belongs to no patient. */
export const INSTALLATION = "notices";

export const collections = {
  inboxes: "inboxes",
  notices: "notices",
  preferences: "preferences",
  subscriptions: "push_subscriptions",
  habits: "access_habits",
  endings: "consent_endings",
  deliveries: "deliveries",
  pushKeys: "push_keys",
} as const;

/** One for each patient who was told something: changes of the inbox replace it, so that none is made once it is closed. */
export type InboxDocument = Document & {
  /** For ever, because the patient was erased. */
  readonly closed: boolean;
};

/** A sealed notice. In clear: when it was made, and whether it is unread. */
export type NoticeDocument = Document & {
  readonly notice: string;
  readonly create_time: number;
  /** Absent: it is read. */
  readonly unread?: true;
  readonly sealed: Uint8Array;
};

export type PreferencesDocument = Document & { readonly version: number; readonly sealed: Uint8Array };

export type SubscriptionDocument = Document & {
  readonly subscription: string;
  readonly create_time: number;
  readonly sealed: Uint8Array;
};

/** By a MAC of the organization under the patient's key. */
export type HabitDocument = Document & { readonly organization_mac: string; readonly sealed: Uint8Array };

/** When the patient is to be told that a consent ends. */
export type EndingDocument = Document & {
  readonly consent: string;
  /** By the true time. */
  readonly due_time: number;
  /** By the grantee's. */
  readonly end_time: number;
  /** By how many milliseconds the grantee's clock was ahead when `due_time` was set. Absent: it was not. */
  readonly ahead_ms?: number;
};

/** What is to be sent by one channel. */
export type DeliveryDocument = Document & {
  readonly notice: string;
  readonly channel: string;
  /** When it is tried next, UTC milliseconds; 0: it is urgent, and was not tried yet. */
  readonly due_time: number;
  /** Tries that were begun. */
  readonly tries: number;
  /** Ids of the accounts or subscriptions that have it. */
  readonly done: readonly string[];
};

/** The key of web push, wrapped by the KMS. */
export type PushKeyDocument = Document & {
  readonly id: string;
  readonly create_time: number;
  /** Base64url. */
  readonly public_key: string;
  readonly wrapped: Uint8Array;
};

export const noticesCollections: readonly CollectionDeclaration[] = [
  { name: collections.inboxes, key: ["partition"], indexes: [] },
  {
    name: collections.notices,
    key: ["partition", "notice"],
    indexes: [
      { name: "by_time", fields: ["partition", "create_time"] },
      { name: "by_unread", fields: ["partition", "unread", "create_time"] },
      { name: "by_age", fields: ["create_time"] },
    ],
  },
  { name: collections.preferences, key: ["partition"], indexes: [] },
  { name: collections.subscriptions, key: ["partition", "subscription"], indexes: [] },
  { name: collections.habits, key: ["partition", "organization_mac"], indexes: [] },
  {
    name: collections.endings,
    key: ["partition", "consent"],
    indexes: [{ name: "due", fields: ["due_time"] }],
  },
  {
    name: collections.deliveries,
    key: ["partition", "notice", "channel"],
    indexes: [{ name: "due", fields: ["due_time"] }],
  },
  { name: collections.pushKeys, key: ["partition", "id"], indexes: [] },
  feeds,
  organizationEvents,
  feedTimers,
  endpoints,
  places,
  webhookDeliveries,
  alerts,
  ...handledEventsCollections,
  leavesCollection,
  ...journalCollections,
];
