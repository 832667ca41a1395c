/**
 * A browser that is subscribed at a push service of our own. No maker's push service can be reached here, so that the browser's
 * `pushManager` answers what our service gives; permission, service worker, delivery to it and what it shows are the browser's.
 */
import type { BrowserContext, Page } from "playwright-core";
import type { Browser, PushService } from "../../services/notices/test/push-service.ts";

export interface PushBrowser {
  /** At its address of now. */
  browser(): Browser;
  /** Gives the service worker a message, as the browser does after it has decrypted one. */
  deliver(data: string): Promise<void>;
  /** The push service gives the browser another address. */
  move(): Promise<void>;
  subscribed(): Promise<boolean>;
  /** As if the browser were told of another record, too. Returns how to end that. */
  followOther(): Promise<() => Promise<void>>;
}

/** Before the page has loaded anything. */
export async function openPushBrowser(
  context: BrowserContext,
  page: Page,
  push: PushService,
): Promise<PushBrowser> {
  const browsers: Browser[] = [];
  await page.exposeFunction("subscribeAtPushService", () => {
    const browser = push.subscribe();
    browsers.push(browser);
    const [p256dh, auth] = [browser.p256dh, browser.auth].map((key) => Buffer.from(key).toString("base64"));
    return { endpoint: browser.endpoint, p256dh, auth };
  });
  await page.addInitScript(pushManager);
  const session = await context.newCDPSession(page);
  let registrationId: string | undefined;
  session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
    registrationId = registrations.at(-1)?.registrationId ?? registrationId;
  });
  await session.send("ServiceWorker.enable");
  const origin = () => new URL(page.url()).origin;
  await context.grantPermissions(["notifications"]);
  return {
    browser: () => browsers.at(-1)!,
    async deliver(data) {
      if (registrationId === undefined) throw new Error("no service worker is registered");
      await session.send("ServiceWorker.deliverPushMessage", { origin: origin(), registrationId, data });
    },
    async move() {
      await page.evaluate("movePushSubscription()");
      // No browser has a way to cause it; the listener is the worker's own.
      await worker(context).evaluate(
        "dispatchEvent(Object.assign(new ExtendableEvent('pushsubscriptionchange'), { newSubscription: {} }))",
      );
    },
    async followOther() {
      const keep = (other: string) =>
        page.evaluate<void>(`(() => {
          const { pat_other, ...others } = JSON.parse(localStorage.getItem("wellapi-push"));
          localStorage.setItem("wellapi-push", JSON.stringify({ ...others, ...${other} }));
        })()`);
      await keep('{ pat_other: { id: "psh_other", endpoint: "" } }');
      return () => keep("{}");
    },
    subscribed: () => page.evaluate<boolean>("localStorage.getItem('push-service') !== null"),
  };
}

export interface ShownMessage {
  readonly title: string;
  readonly body: string;
  readonly tag: string;
}

/** What the browser shows now. */
export function shownMessages(page: Page): Promise<readonly ShownMessage[]> {
  return page.evaluate<readonly ShownMessage[]>(
    "navigator.serviceWorker.ready.then((one) => one.getNotifications()).then((all) => all.map(({ title, body, tag }) => ({ title, body, tag })))",
  );
}

/**
 * Tells the worker that the message was pressed; resolves to the page that it opens. Only a real press may open a window, and nobody
 * can press outside of a page, so that the window alone is not the browser's.
 */
export function forcePress(context: BrowserContext, tag: string): Promise<string> {
  return worker(context).evaluate<string>(`(async () => {
    const [notification] = await registration.getNotifications({ tag: "${tag}" });
    return new Promise((opened) => {
      Clients.prototype.openWindow = async (url) => opened(url);
      dispatchEvent(new NotificationEvent("notificationclick", { notification }));
    });
  })()`);
}

function worker(context: BrowserContext) {
  const found = context.serviceWorkers().find((one) => one.url().endsWith("/me/service-worker.js"));
  if (found === undefined) throw new Error("no service worker runs");
  return found;
}

/** In the page. */
const pushManager = `(() => {
  const place = "push-service";
  const kept = () => JSON.parse(localStorage.getItem(place));
  const bytes = (text, alphabet = "base64") => Uint8Array.fromBase64(text, { alphabet }).buffer;
  const subscription = (one) => ({
    endpoint: one.endpoint,
    options: { applicationServerKey: bytes(one.key, "base64url") },
    getKey: (name) => bytes(one[name]),
    unsubscribe: async () => (localStorage.removeItem(place), true),
  });
  const subscribe = async (key) => {
    const made = { ...(await subscribeAtPushService()), key };
    localStorage.setItem(place, JSON.stringify(made));
    return made;
  };
  PushManager.prototype.getSubscription = async () => kept() && subscription(kept());
  PushManager.prototype.subscribe = async ({ applicationServerKey }) =>
    subscription(kept() ?? (await subscribe(applicationServerKey)));
  globalThis.movePushSubscription = () => subscribe(kept().key).then(() => {});
})()`;
