import type { Change, Page, Store, Stored } from "@wellapi/store";
import { STORED_MS } from "../organizations/event.ts";
import type { Position } from "../organizations/feed-repository.ts";
import { type DeliveryState, type Progress, waiting } from "./attempt.ts";
import {
  type PlaceDocument,
  places,
  type WebhookDeliveryDocument,
  webhookDeliveries,
} from "./webhook-documents.ts";

/** An endpoint's place, of which the holder alone delivers. Each step needs the one before. */
export type Held = Stored<PlaceDocument>;

/** Deliveries, and the places of those who deliver. Throws StoreError. */
export interface DeliveryRepository {
  /** Places at which there may be something to deliver, those that wait longest first. */
  due(now: number, limit: number): Promise<readonly Held[]>;
  /** Of the organization, whether or not there is something. */
  places(feed: string): Promise<readonly Held[]>;
  /** Changes the place, with further changes. Undefined where somebody else changed it: nothing of it is stored. */
  step(held: Held, place: PlaceDocument, further?: readonly Change[]): Promise<Held | undefined>;
  /** Whether nobody changed the place since. */
  holds(held: Held): Promise<boolean>;
  /** In the order of the events, up to the place: what lies behind it comes again. */
  waiting(place: PlaceDocument, limit: number): Promise<ReadonlyArray<Stored<WebhookDeliveryDocument>>>;
  /** Of those events that are deliveries already. */
  known(place: PlaceDocument, upTo: number): Promise<ReadonlyMap<number, Stored<WebhookDeliveryDocument>>>;
  /** Newest first. */
  list(
    feed: string,
    endpoint: string,
    asked: { readonly state?: DeliveryState; readonly limit: number; readonly cursor?: string },
  ): Promise<Page<WebhookDeliveryDocument>>;
  find(feed: string, endpoint: string, event: string): Promise<Stored<WebhookDeliveryDocument> | undefined>;
  /** Removes what was settled long ago; resolves to whether there may be more. */
  prune(now: number): Promise<boolean>;
}

const PRUNED_AT_ONCE = 500;
/** More than the endpoints of an organization. */
const ALL = 100;

export function createDeliveryRepository(store: Store): DeliveryRepository {
  const { name: collection } = webhookDeliveries;
  return {
    async due(now, limit) {
      const range = { to: now + 1 };
      return (await store.scan<PlaceDocument>(places.name, { index: "due", equals: [], range, limit }))
        .documents;
    },
    async places(feed) {
      return (await store.scan<PlaceDocument>(places.name, { equals: [feed], limit: ALL })).documents;
    },
    async step({ revision }, document, further = []) {
      const { partition } = document;
      const change: Change = { kind: "replace", collection: places.name, document, ifRevision: revision };
      const { committed } = await store.commit({ partition, changes: [change, ...further] });
      return committed ? { document, revision: revision + 1 } : undefined;
    },
    async holds({ document: { partition, endpoint }, revision }) {
      return (await store.get<PlaceDocument>(places.name, [partition, endpoint]))?.revision === revision;
    },
    async waiting({ partition, endpoint, sequence }, limit) {
      const index = "by_state";
      const range = { to: sequence + 1 };
      const scan = { index, equals: [partition, endpoint, "waiting"], range, limit };
      return (await store.scan<WebhookDeliveryDocument>(collection, scan)).documents;
    },
    async known({ partition, endpoint, sequence }, upTo) {
      const range = { after: sequence, to: upTo + 1 };
      const limit = Math.max(1, upTo - sequence);
      const { documents } = await store.scan<WebhookDeliveryDocument>(collection, {
        equals: [partition, endpoint],
        range,
        limit,
      });
      return new Map(documents.map((stored) => [stored.document.sequence, stored]));
    },
    list(feed, endpoint, { state, limit, cursor }) {
      const chosen = state === undefined ? {} : { index: "by_state" };
      return store.scan<WebhookDeliveryDocument>(collection, {
        ...chosen,
        equals: [feed, endpoint, ...(state === undefined ? [] : [state])],
        order: "descending",
        limit,
        ...(cursor !== undefined && { cursor }),
      });
    },
    async find(feed, endpoint, event) {
      const scan = { index: "by_event", equals: [feed, endpoint, event], limit: 1 };
      return (await store.scan<WebhookDeliveryDocument>(collection, scan)).documents[0];
    },
    async prune(now) {
      const old = { index: "by_age", equals: [], range: { to: now - STORED_MS }, limit: PRUNED_AT_ONCE };
      const { documents } = await store.scan<WebhookDeliveryDocument>(collection, old);
      for (const [partition, those] of Map.groupBy(documents, ({ document }) => document.partition)) {
        const changes = those.map(({ document: { endpoint, sequence } }): Change => {
          return { kind: "delete", collection, key: [partition, endpoint, sequence] };
        });
        await store.commit({ partition, changes });
      }
      return documents.length === PRUNED_AT_ONCE;
    },
  };
}

/** What is told of an event that begins to wait for an endpoint. */
export interface Incoming extends Position {
  readonly patient: string;
}

/** An event becomes a delivery, or one that was settled begins to wait again. */
export function awaited(
  { partition, endpoint }: Pick<PlaceDocument, "partition" | "endpoint">,
  { sequence, event, patient }: Incoming,
  known: Stored<WebhookDeliveryDocument> | undefined,
  now: number,
): Change {
  const before = known && progressOf(known.document);
  const at = {
    partition,
    endpoint,
    sequence,
    event,
    patient,
    create_time: known?.document.create_time ?? now,
  };
  const document: WebhookDeliveryDocument = { ...at, ...fieldsOf(waiting(before, now)) };
  if (known === undefined) return { kind: "insert", collection: webhookDeliveries.name, document };
  return { kind: "replace", collection: webhookDeliveries.name, document, ifRevision: known.revision };
}

/** The delivery with what has become of it since. */
export function progressed(
  { document, revision }: Stored<WebhookDeliveryDocument>,
  progress: Progress,
  now: number,
): Change {
  const { partition, endpoint, sequence, event, patient, create_time } = document;
  const at = { partition, endpoint, sequence, event, patient, create_time };
  const settled = progress.state === "waiting" ? {} : { settle_time: now };
  const next: WebhookDeliveryDocument = { ...at, ...fieldsOf(progress), ...settled };
  return { kind: "replace", collection: webhookDeliveries.name, document: next, ifRevision: revision };
}

export function progressOf(document: WebhookDeliveryDocument): Progress {
  const { state, due_time: dueTime, first_time: firstTime, attempt_count, tries, attempts } = document;
  const first = firstTime === undefined ? {} : { firstTime };
  return { state, dueTime, attemptCount: attempt_count, tries, attempts, ...first };
}

function fieldsOf({ state, dueTime, firstTime, attemptCount, tries, attempts }: Progress) {
  return {
    state,
    due_time: dueTime,
    ...(firstTime !== undefined && { first_time: firstTime }),
    attempt_count: attemptCount,
    tries,
    attempts,
  };
}
