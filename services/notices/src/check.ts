import { type LeafSealer, leafCheck, leavesCollection } from "@wellapi/access-log";
import {
  type Document,
  type DocumentCheck,
  type Finding,
  findingOf,
  RESTORE,
  type StoreCheck,
} from "@wellapi/store";
import { createItemSealer, type Kms, type Vault, VaultError } from "@wellapi/vault";
import {
  collections,
  type HabitDocument,
  type NoticeDocument,
  noticesCollections,
  type PreferencesDocument,
  type PushKeyDocument,
  type SubscriptionDocument,
} from "./collections.ts";
import { openHabit } from "./habit-repository.ts";
import { openNotice } from "./inbox-repository.ts";
import { type EventDocument, openEvent, organizationEvents } from "./organizations/feed-documents.ts";
import { openPreferences } from "./preferences-repository.ts";
import { checkPushKey } from "./push-keys.ts";
import { openSubscription } from "./subscription-repository.ts";
import {
  type EndpointDocument,
  endpoints,
  openEndpoint,
  WEBHOOKS_KEY,
} from "./webhooks/webhook-documents.ts";

/** The checks of this service's store, without the service: each sealed document opens. */
export function noticesCheck({
  vault,
  kms,
  sealer,
}: {
  readonly vault: Vault;
  readonly kms: Kms;
  readonly sealer: LeafSealer;
}): StoreCheck {
  const opens =
    <D extends Document>(
      collection: string,
      field: keyof D & string,
      means: string,
      open: (document: D) => Promise<unknown>,
    ): DocumentCheck =>
    (document) =>
      found(collection, [document.partition, String(document[field])], means, () => open(document as D));
  return {
    collections: noticesCollections,
    documents: {
      [collections.notices]: opens<NoticeDocument>(
        collections.notices,
        "notice",
        "one notice of one patient cannot be shown; what it told of is in the log",
        (document) => openNotice(vault, document),
      ),
      [collections.preferences]: opens<PreferencesDocument>(
        collections.preferences,
        "version",
        "one patient's choices of how to be told are lost, and no notice is sent to them",
        (document) => openPreferences(vault, document),
      ),
      [collections.subscriptions]: opens<SubscriptionDocument>(
        collections.subscriptions,
        "subscription",
        "one browser of one patient gets no notices any more",
        (document) => openSubscription(vault, document),
      ),
      [collections.habits]: opens<HabitDocument>(
        collections.habits,
        "organization_mac",
        "what is unusual of one organization's reads of one patient is not told any more",
        (document) => openHabit(vault, document),
      ),
      [collections.pushKeys]: opens<PushKeyDocument>(
        collections.pushKeys,
        "id",
        "nothing can be sent by web push: every browser has to subscribe anew",
        (document) => checkPushKey(kms, document),
      ),
      [organizationEvents.name]: opens<EventDocument>(
        organizationEvents.name,
        "event",
        "one organization cannot list its events of 30 days; what they tell of is in its consents and requests",
        (document) => openEvent(vault, document),
      ),
      [endpoints.name]: opens<EndpointDocument>(
        endpoints.name,
        "endpoint",
        "nothing is delivered to one organization's endpoint; it lists its events meanwhile",
        async (document) => openEndpoint(createItemSealer(await kms.derive(WEBHOOKS_KEY)), document),
      ),
      [leavesCollection.name]: leafCheck(sealer),
    },
  };
}

/** A damaged key is reported by the check of the keys. */
async function found(
  collection: string,
  at: readonly string[],
  means: string,
  open: () => Promise<unknown>,
): Promise<Finding | undefined> {
  try {
    await open();
    return undefined;
  } catch (error) {
    if (error instanceof VaultError && error.code === "damaged") return undefined;
    if (!(error instanceof VaultError || error instanceof SyntaxError)) throw error;
    return findingOf(collection, at, { what: "its seal does not open", means, remedy: RESTORE });
  }
}
