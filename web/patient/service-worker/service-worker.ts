/**
 * Shows what *notices* pushes to this browser, and opens the inbox. It answers no request of a page and keeps nothing. A message says
 * what kind of thing happened, in its reader's language, and nothing about anybody (docs/decisions/0065-notices.md).
 */
export {};

declare const self: ServiceWorkerGlobalScope;

const inbox = "/me/notices";
/** That of the pages (app/api/changes.ts): there is something to ask for. */
const changes = "wellapi-me";

/** What is said without a message. */
const words = {
  en: {
    unreadable: "There is a new notice for you.",
    moved: "This browser has a new address. Open your notices once, so that they reach you here again.",
  },
  de: {
    unreadable: "Es gibt eine neue Mitteilung für Sie.",
    moved:
      "Dieser Browser hat eine neue Adresse. Öffnen Sie einmal Ihre Mitteilungen, damit sie Sie hier wieder erreichen.",
  },
};
const says = self.navigator.language.startsWith("de") ? words.de : words.en;

// It answers for no page, so that a new version may take the place of the old one at once.
self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));

self.addEventListener("push", (event) => event.waitUntil(show(messageOf(event.data))));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openInbox());
});

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

interface Message {
  /** The same again takes the place of the first. */
  readonly id: string;
  readonly title: string;
  readonly body: string;
}

/** A browser ends the subscription of a worker that shows nothing, so that something is shown of each message. */
function messageOf(data: PushMessageData | null): Message {
  const usual = { id: "notice", title: "WellAPI", body: says.unreadable };
  try {
    const { id, title, body } = (data?.json() ?? {}) as Partial<Message>;
    if (typeof id !== "string" || typeof title !== "string" || typeof body !== "string") return usual;
    return { id, title, body };
  } catch {
    return usual;
  }
}

function show({ id, title, body }: Message): Promise<void> {
  return self.registration.showNotification(title, { body, tag: id });
}

async function openInbox(): Promise<void> {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = pages.find(({ url }) => new URL(url).pathname === inbox);
  await (open === undefined ? self.clients.openWindow(inbox) : open.focus());
}

/**
 * The push service has ended the subscription: there is a new one, which only the page can tell the exchange, by its reader's session. So
 * the reader is asked to open it.
 */
async function renew({ oldSubscription, newSubscription }: PushSubscriptionChangeEvent): Promise<void> {
  const applicationServerKey = oldSubscription?.options.applicationServerKey;
  if (newSubscription === null && applicationServerKey) {
    await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  }
  const channel = new BroadcastChannel(changes);
  channel.postMessage("change");
  channel.close();
  await show({ id: "moved", title: "WellAPI", body: says.moved });
}
