import type { Change, Store, Stored } from "@wellapi/store";
import type { ItemSealer } from "@wellapi/vault";
import { noticesError } from "../errors.ts";
import type { Position } from "../organizations/feed-repository.ts";
import { type Endpoint, MOST_ENDPOINTS, SECRET_SHOWN_MS } from "./endpoint.ts";
import {
  type EndpointContent,
  type EndpointDocument,
  endpoints,
  openEndpoint,
  type PlaceDocument,
  places,
  sealEndpoint,
  type WebhookDeliveryDocument,
  webhookDeliveries,
} from "./webhook-documents.ts";

/** An endpoint with how it has answered of late. */
export interface KeptEndpoint extends Endpoint {
  readonly failingSince?: number;
}

/** Commits the changes together with the call's entry. False: something else changed meanwhile. */
export type CommitCall = (changes: readonly Change[]) => Promise<boolean>;

/** Organizations' endpoints, by the partitions of their feeds. Throws StoreError, VaultError, NoticesError. */
export interface EndpointRepository {
  /** Oldest first. */
  list(feed: string): Promise<readonly KeptEndpoint[]>;
  /** Throws `no_webhook_endpoint`. */
  get(feed: string, endpoint: string): Promise<KeptEndpoint>;
  /**
   * Behind `position`. Where it is there already: that one, without its secrets once they are not shown any more. Throws `request_id_reused` where
   * that was made of another `asked`, `too_many_webhook_endpoints`, `unavailable`.
   */
  create(
    feed: string,
    created: { readonly endpoint: Endpoint; readonly asked: string; readonly position: Position },
    commit: CommitCall,
  ): Promise<KeptEndpoint>;
  /**
   * Changes one, unless `change` gives the same; who delivers to it looks anew, from `position` where one is given. `etag`: empty for whatever version. Throws `no_webhook_endpoint`,
   * `stale_webhook_etag`, `unavailable`.
   */
  amend(
    feed: string,
    asked: { readonly endpoint: string; readonly etag?: string },
    change: (
      before: Endpoint,
      place: Position,
    ) => Promise<{ readonly endpoint: Endpoint; readonly position?: Position }>,
    now: number,
    commit: CommitCall,
  ): Promise<KeptEndpoint>;
  /** With what waits for it. One that is not there is deleted already. */
  remove(feed: string, endpoint: string, commit: CommitCall): Promise<void>;
}

const ATTEMPTS = 10;
const REMOVED_AT_ONCE = 1_000;

export function createEndpointRepository(store: Store, sealer: ItemSealer): EndpointRepository {
  const deps = { store, sealer };
  return {
    async list(feed) {
      const all = { equals: [feed], limit: MOST_ENDPOINTS };
      const [stored, at] = await Promise.all([
        store.scan<EndpointDocument>(endpoints.name, all),
        store.scan<PlaceDocument>(places.name, all),
      ]);
      const place = new Map(at.documents.map(({ document }) => [document.endpoint, document]));
      return stored.documents
        .map(({ document }) => kept(sealer, document, place.get(document.endpoint)))
        .sort((a, b) => a.createTime - b.createTime);
    },
    async get(feed, id) {
      const [stored, place] = await find(store, feed, id);
      if (stored === undefined) throw noticesError("no_webhook_endpoint");
      return kept(sealer, stored.document, place?.document);
    },
    create: (...given) => untilStored(() => createOnce(deps, ...given)),
    amend: (...given) => untilStored(() => amendOnce(deps, ...given)),
    async remove(feed, id, commit) {
      const removed = await commit([
        { kind: "delete", collection: endpoints.name, key: [feed, id] },
        { kind: "delete", collection: places.name, key: [feed, id] },
      ]);
      if (!removed) throw noticesError("unavailable");
      await removeWaiting(store, feed, id);
    },
  };
}

interface Deps {
  readonly store: Store;
  readonly sealer: ItemSealer;
}

/** Throws `unavailable` where others are faster all the time. */
async function untilStored(once: () => Promise<KeptEndpoint | undefined>): Promise<KeptEndpoint> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const stored = await once();
    if (stored !== undefined) return stored;
  }
  throw noticesError("unavailable");
}

function find(store: Store, feed: string, id: string) {
  return Promise.all([
    store.get<EndpointDocument>(endpoints.name, [feed, id]),
    store.get<PlaceDocument>(places.name, [feed, id]),
  ]);
}

function kept(
  sealer: ItemSealer,
  document: EndpointDocument,
  place: PlaceDocument | undefined,
): KeptEndpoint {
  const { failing_since: failingSince } = place ?? {};
  return { ...endpointIn(sealer, document), ...(failingSince !== undefined && { failingSince }) };
}

/** Undefined where something else changed meanwhile. */
async function createOnce(
  { store, sealer }: Deps,
  ...[feed, { endpoint, asked, position }, commit]: Parameters<EndpointRepository["create"]>
): Promise<KeptEndpoint | undefined> {
  const { name: collection } = endpoints;
  const [known, at] = await find(store, feed, endpoint.id);
  if (known !== undefined) {
    if (openEndpoint(sealer, known.document).asked !== asked) throw noticesError("request_id_reused");
    const shown = endpoint.createTime - known.document.create_time < SECRET_SHOWN_MS;
    return { ...kept(sealer, known.document, at?.document), ...(!shown && { secrets: [] }) };
  }
  const { documents } = await store.scan<EndpointDocument>(collection, {
    equals: [feed],
    limit: MOST_ENDPOINTS,
  });
  const taken = new Set(documents.map(({ document }) => document.slot));
  const slot = Array.from({ length: MOST_ENDPOINTS }, (_, i) => i).find((i) => !taken.has(i));
  if (slot === undefined) throw noticesError("too_many_webhook_endpoints");
  const document = documentOf(sealer, feed, endpoint, { slot, asked });
  const place: PlaceDocument = {
    partition: feed,
    endpoint: endpoint.id,
    ...position,
    due_time: endpoint.createTime,
    failures: 0,
  };
  const inserted = await commit([
    { kind: "insert", collection, document },
    { kind: "insert", collection: places.name, document: place },
  ]);
  return inserted ? endpoint : undefined;
}

/** As `createOnce`. */
async function amendOnce(
  { store, sealer }: Deps,
  ...[feed, { endpoint: id, etag = "" }, change, now, commit]: Parameters<EndpointRepository["amend"]>
): Promise<KeptEndpoint | undefined> {
  const [stored, place] = await find(store, feed, id);
  if (stored === undefined || place === undefined) throw noticesError("no_webhook_endpoint");
  if (etag !== "" && etag !== `v${stored.document.version}`) throw noticesError("stale_webhook_etag");
  const before = endpointIn(sealer, stored.document);
  const { sequence, event } = place.document;
  const changed = await change(before, { sequence, event });
  const same = changed.endpoint === before;
  const endpoint = same ? before : { ...changed.endpoint, version: before.version + 1 };
  const { slot } = stored.document;
  const { asked } = openEndpoint(sealer, stored.document);
  const document = documentOf(sealer, feed, endpoint, { slot, asked });
  const moved = movedPlace(place.document, endpoint, changed.position, now);
  const replaced = {
    kind: "replace",
    collection: endpoints.name,
    document,
    ifRevision: stored.revision,
  } as const;
  const committed = await commit([
    ...(same ? [] : [replaced]),
    { kind: "replace", collection: places.name, document: moved, ifRevision: place.revision },
  ]);
  return committed ? kept(sealer, document, moved) : undefined;
}

/** Who delivers looks anew, and keeps nothing of what is under way. An endpoint that is enabled again begins without its failures. */
function movedPlace(
  before: PlaceDocument,
  { state }: Endpoint,
  position: Position | undefined,
  now: number,
): PlaceDocument {
  const { lease_time: _lease, rest_time: _rest, due_time: due, ...kept } = before;
  const { failing_since: since, failed_at: at, failures, told_time: told, ...place } = kept;
  const failed = { failures, ...(since !== undefined && { failing_since: since, failed_at: at ?? since }) };
  const wasStopped = due === undefined;
  return {
    ...place,
    ...(wasStopped ? { failures: 0 } : { ...failed, ...(told !== undefined && { told_time: told }) }),
    ...position,
    ...(state === "enabled" && { due_time: now, ...(wasStopped && { enable_time: now }) }),
  };
}

/** What is settled is removed by its age. */
async function removeWaiting(store: Store, feed: string, endpoint: string): Promise<void> {
  const { name: collection } = webhookDeliveries;
  const waiting = { index: "by_state", equals: [feed, endpoint, "waiting"], limit: REMOVED_AT_ONCE };
  for (;;) {
    const { documents, cursor } = await store.scan<WebhookDeliveryDocument>(collection, waiting);
    if (documents.length === 0) return;
    const changes = documents.map(({ document }): Change => {
      return { kind: "delete", collection, key: [feed, endpoint, document.sequence] };
    });
    await store.commit({ partition: feed, changes });
    if (cursor === undefined) return;
  }
}

function documentOf(
  sealer: ItemSealer,
  partition: string,
  { id, organization, url, description, kinds, secrets, state, disableReason, createTime, version }: Endpoint,
  { slot, asked }: Pick<EndpointDocument, "slot"> & Pick<EndpointContent, "asked">,
): EndpointDocument {
  const content = { organization, url, description, kinds, secrets, asked };
  return {
    partition,
    endpoint: id,
    slot,
    create_time: createTime,
    version,
    state,
    ...(disableReason !== undefined && { disable_reason: disableReason }),
    sealed: sealEndpoint(sealer, { partition, endpoint: id }, content),
  };
}

/** Throws VaultError `tampered`. */
export function endpointIn(sealer: ItemSealer, document: EndpointDocument): Endpoint {
  const { asked: _, ...content } = openEndpoint(sealer, document);
  const { endpoint: id, create_time: createTime, state, disable_reason: disableReason, version } = document;
  return {
    id,
    createTime,
    state,
    version,
    ...content,
    ...(disableReason !== undefined && { disableReason }),
  };
}

/** The change by which whoever delivers stops an endpoint. */
export function stoppedEndpoint(
  { document, revision }: Stored<EndpointDocument>,
  reason: Endpoint["disableReason"],
): Change {
  const stopped = { ...document, state: "disabled", disable_reason: reason, version: document.version + 1 };
  return { kind: "replace", collection: endpoints.name, document: stopped, ifRevision: revision };
}
