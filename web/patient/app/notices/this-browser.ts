import { base64Encode } from "@bufbuild/protobuf/wire";
import type { OpenRecord } from "../api/reader.ts";
import { base } from "../location.ts";
import { registerServiceWorker } from "../offline/service-worker.ts";
import { noticesOf } from "./inbox.ts";
import { type KeptSubscription, pushStanding } from "./push-standing.ts";

/** Whether notices come to this browser. `unable`: it has no web push. `refused`: its reader has forbidden messages. */
export type Standing = "unable" | "refused" | "off" | "on" | "moved";

export function keptFor({ patient }: OpenRecord): KeptSubscription | undefined {
  return readKept()[patient];
}

/**
 * What this browser does with notices of the record. Puts in order what others have changed: a browser that was taken out of the list is
 * unsubscribed. `found.kept` is read before the list is asked for.
 */
export async function standingHere(
  record: OpenRecord,
  found: {
    readonly kept: KeptSubscription | undefined;
    readonly listed: readonly string[];
    readonly key: string;
  },
): Promise<Standing> {
  if (!("serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis)) {
    return "unable";
  }
  if (Notification.permission === "denied") return "refused";
  const subscription = await subscribed();
  const current = subscription && { endpoint: subscription.endpoint, key: keyOf(subscription) };
  const standing = pushStanding({ ...found, current });
  if (standing === "removed") {
    await forget(record);
    return "off";
  }
  return standing === "moved" && Notification.permission !== "granted" ? "off" : standing;
}

/** Asks the reader, who has pressed for it. False: they did not allow it. */
export async function askPermission(): Promise<boolean> {
  return (await Notification.requestPermission()) === "granted";
}

/**
 * From now on notices of the record come here. Also where they did before under another address, which is removed then. Rejects where the
 * browser, its push service or the exchange refuses; then nothing has changed.
 */
export async function follow(record: OpenRecord, key: string): Promise<void> {
  const before = keptFor(record);
  const subscription = await subscribe(key);
  const client = noticesOf(record);
  const { endpoint } = subscription;
  try {
    const { pushSubscription } = await client.createPushSubscription({
      endpoint,
      p256dh: bytesOf(subscription, "p256dh"),
      auth: bytesOf(subscription, "auth"),
      language: document.documentElement.lang === "de" ? "de" : "en",
    });
    if (pushSubscription === undefined) throw new TypeError("an answer without a subscription");
    keep(record, { id: pushSubscription.id, endpoint });
  } catch (error) {
    await unsubscribeUnused();
    throw error;
  }
  if (before !== undefined && before.endpoint !== endpoint) {
    // Where this fails, the exchange removes it itself once its push service says that it is gone.
    await client.deletePushSubscription({ pushSubscription: before.id }).catch(() => {});
  }
}

/** Takes a browser out of the list; where it is this one, it is unsubscribed, too, unless it has notices of another record. */
export async function unfollow(record: OpenRecord, id: string): Promise<void> {
  await noticesOf(record).deletePushSubscription({ pushSubscription: id });
  if (keptFor(record)?.id === id) await forget(record);
}

async function subscribed(): Promise<PushSubscription | undefined> {
  const registration = await navigator.serviceWorker.getRegistration(base);
  return (await registration?.pushManager.getSubscription()) ?? undefined;
}

async function subscribe(key: string): Promise<PushSubscription> {
  await registerServiceWorker();
  const { pushManager } = await navigator.serviceWorker.ready;
  const before = await pushManager.getSubscription();
  // A browser has one, for one key.
  if (before !== null && keyOf(before) !== key) await before.unsubscribe();
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

async function forget(record: OpenRecord): Promise<void> {
  keep(record, undefined);
  await unsubscribeUnused();
}

/** There is one subscription for all records that are read in this browser. */
async function unsubscribeUnused(): Promise<void> {
  if (Object.keys(readKept()).length === 0) await (await subscribed())?.unsubscribe();
}

function bytesOf(subscription: PushSubscription, name: PushEncryptionKeyName): Uint8Array {
  const key = subscription.getKey(name);
  if (key === null) throw new TypeError(`a subscription without ${name}`);
  return new Uint8Array(key);
}

/** Base64url; empty where the browser does not say. */
function keyOf({ options }: PushSubscription): string {
  const { applicationServerKey } = options;
  return applicationServerKey === null ? "" : base64Encode(new Uint8Array(applicationServerKey), "url");
}

const name = "wellapi-push";

/** By patient. */
function readKept(): Readonly<Record<string, KeptSubscription>> {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "{}");
  } catch {
    return {};
  }
}

function keep({ patient }: OpenRecord, kept: KeptSubscription | undefined): void {
  const { [patient]: _, ...others } = readKept();
  try {
    localStorage.setItem(name, JSON.stringify(kept === undefined ? others : { ...others, [patient]: kept }));
  } catch {
    // Full or forbidden: the page does not know its own browser in the list then.
  }
}
