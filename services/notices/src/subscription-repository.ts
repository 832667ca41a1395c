import type { Change, Store } from "@wellapi/store";
import { dataKeyOf, type Vault } from "@wellapi/vault";
import { collections, type InboxDocument, type SubscriptionDocument } from "./collections.ts";
import { noticesError } from "./errors.ts";
import { touched } from "./inbox-repository.ts";
import { MOST_SUBSCRIPTIONS, type PushSubscription } from "./push-subscription.ts";
import { idOf, type Place, seal, unseal } from "./sealing.ts";

type Content = Pick<PushSubscription, "endpoint" | "p256dh" | "auth" | "language" | "account">;

/** Throws StoreError, VaultError. */
export interface SubscriptionRepository {
  /** Newest first. */
  list(partition: string): Promise<readonly PushSubscription[]>;
  any(partition: string): Promise<boolean>;
  /**
   * The same endpoint is the same subscription, with new keys, of who made it last. Throws `too_many_subscriptions`, `patient_erased`, `unavailable`.
   */
  put(
    partition: string,
    content: Required<Content>,
    now: number,
    commit: (changes: readonly Change[]) => Promise<boolean>,
  ): Promise<PushSubscription>;
  /** One that is not there is removed already. */
  deletion(partition: string, subscription: string): Change;
}

const ATTEMPTS = 10;

export function createSubscriptionRepository(
  store: Store,
  vault: Pick<Vault, "key">,
): SubscriptionRepository {
  const { subscriptions: collection, inboxes } = collections;

  async function list(partition: string): Promise<readonly PushSubscription[]> {
    const { documents } = await store.scan<SubscriptionDocument>(collection, {
      equals: [partition],
      limit: MOST_SUBSCRIPTIONS,
    });
    const key = await dataKeyOf(vault, partition);
    if (key === undefined) return [];
    return documents
      .map(({ document: { subscription: id, create_time: createTime, sealed } }) => ({
        ...unseal<Content>(key, placeOf(partition, id), sealed),
        id,
        createTime,
      }))
      .sort((a, b) => b.createTime - a.createTime);
  }

  return {
    list,
    async any(partition) {
      return (await store.scan(collection, { equals: [partition], limit: 1 })).documents.length > 0;
    },
    async put(partition, content, now, commit) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const id = await dataKeyOf(vault, partition).then(
          (key) => key && idOf(key, "psh", [content.endpoint]),
        );
        if (id === undefined) throw noticesError("patient_erased");
        const [stored, at, others] = await Promise.all([
          store.get<SubscriptionDocument>(collection, [partition, id]),
          store.get<InboxDocument>(inboxes, [partition]),
          store.scan(collection, { equals: [partition], limit: MOST_SUBSCRIPTIONS }),
        ]);
        if (at?.document.closed) throw noticesError("patient_erased");
        if (stored === undefined && others.documents.length >= MOST_SUBSCRIPTIONS) {
          throw noticesError("too_many_subscriptions");
        }
        const key = await dataKeyOf(vault, partition);
        if (key === undefined) throw noticesError("patient_erased");
        const createTime = stored?.document.create_time ?? now;
        const sealed = seal(key, placeOf(partition, id), content);
        const document: SubscriptionDocument = {
          partition,
          subscription: id,
          create_time: createTime,
          sealed,
        };
        const made: Change = stored
          ? { kind: "replace", collection, document, ifRevision: stored.revision }
          : { kind: "insert", collection, document };
        // With the inbox: two at once must not pass the limit, and none is made after an erasure.
        if (await commit([touched(partition, at), made])) return { ...content, id, createTime };
      }
      throw noticesError("unavailable");
    },
    deletion: (partition, subscription) => ({
      kind: "delete",
      collection,
      key: [partition, subscription],
    }),
  };
}

/** Throws VaultError `tampered`; nothing where the key was destroyed. */
export async function openSubscription(
  vault: Pick<Vault, "key">,
  { partition, subscription, sealed }: SubscriptionDocument,
): Promise<Content | undefined> {
  const key = await dataKeyOf(vault, partition);
  return key && unseal<Content>(key, placeOf(partition, subscription), sealed);
}

function placeOf(partition: string, subscription: string): Place {
  return [collections.subscriptions, partition, subscription];
}
