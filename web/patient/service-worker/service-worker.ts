/**
 * Shows what *notices* pushes to this browser, and opens the inbox. A message says what kind of thing happened, in its reader's language, and
 * nothing about anybody (docs/decisions/0065-notices.md). Where the network fails, and only then, it answers with the pages'
 * own files, which hold nothing about anybody either (docs/decisions/0081-what-a-browser-keeps.md).
 */
export {};

declare const self: ServiceWorkerGlobalScope;

/** Names of the files of the same build (`build.ts`). */
declare const PAGE_FILES: readonly string[];

const base = "/me/";
const assets = `${base}assets/`;
const inbox = `${base}notices`;

const ours = "wellapi-me ";
/** Of this build alone: the names hold digests. */
const cacheName = ours + PAGE_FILES.join();
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

// It answers only where the network does not, so that a new version may take the place of the old one at once.
self.addEventListener("install", (event) => event.waitUntil(keepFiles().then(() => self.skipWaiting())));

self.addEventListener("activate", (event) => event.waitUntil(takeOver()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin || !pathname.startsWith(base)) return;
  if (request.mode === "navigate") event.respondWith(documentFor(event));
  else if (pathname.startsWith(assets)) event.respondWith(fileFor(request));
});

self.addEventListener("push", (event) => event.waitUntil(show(messageOf(event.data))));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openInbox());
});

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

async function keepFiles(): Promise<void> {
  const cache = await caches.open(cacheName);
  await cache.addAll(PAGE_FILES.map((name) => assets + name));
}

/** The files of another build go, and the document of this one is asked for: the page that brought this worker has not come by it. */
async function takeOver(): Promise<void> {
  const others = (await caches.keys()).filter((name) => name.startsWith(ours) && name !== cacheName);
  await Promise.all(others.map((name) => caches.delete(name)));
  await self.clients.claim();
  await fetch(base).then(keepDocument, () => {});
}

async function documentFor(event: FetchEvent): Promise<Response> {
  try {
    const answer = await fetch(event.request);
    event.waitUntil(keepDocument(answer.clone()));
    return answer;
  } catch (error) {
    const kept = await caches.match(base, { cacheName });
    if (kept === undefined) throw error;
    return kept;
  }
}

async function fileFor(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(request, { cacheName });
    if (kept === undefined) throw error;
    return kept;
  }
}

/** Without whose record was open, and only where it is of this build: another one's scripts are not here. */
async function keepDocument(answer: Response): Promise<void> {
  const { headers } = answer;
  if (!answer.ok || answer.redirected || !headers.get("content-type")?.startsWith("text/html")) return;
  const text = await answer.text();
  const build = /<meta name="wellapi-build" content="([^"]*)"/.exec(text)?.[1] ?? "";
  if (!PAGE_FILES.includes(build)) return;
  const bare = text.replace(/(<meta name="wellapi-record" content=")[^"]*/, "$1");
  // Those that say how it may be shown.
  const kept = ["content-security-policy", "content-type", "referrer-policy", "x-content-type-options"];
  const saying = kept.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value] as [string, string]];
  });
  const cache = await caches.open(cacheName);
  await cache.put(base, new Response(bare, { headers: saying }));
}

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
