import type { Logger } from "@wellapi/runtime";
import type { Change, Store, Stored } from "@wellapi/store";
import { collections, type DeliveryDocument } from "./collections.ts";
import type { ConsentClient } from "./consent-client.ts";
import type { IdentityClient } from "./identity-client.ts";
import type { InboxRepository } from "./inbox-repository.ts";
import { isShown, isUrgent, type Notice } from "./notice.ts";
import { type ChannelName, type Preferences, quietUntil, tells } from "./preferences.ts";
import type { PreferencesRepository } from "./preferences-repository.ts";
import type { PushSender } from "./push-sender.ts";
import type { SubscriptionRepository } from "./subscription-repository.ts";
import { mailOf, pushOf } from "./texts.ts";

/** The first try is this long before the second; it doubles, up to the longest. */
export const FIRST_BACKOFF_MS = 60_000;
const LONGEST_BACKOFF_MS = 6 * 3_600_000;
/** After about three days a message is old news: the inbox has it. */
export const MOST_TRIES = 20;

export interface DeliveriesDeps {
  readonly store: Store;
  readonly inbox: Pick<InboxRepository, "get">;
  readonly preferences: Pick<PreferencesRepository, "get">;
  readonly subscriptions: Pick<SubscriptionRepository, "list" | "deletion">;
  readonly consents: ConsentClient;
  readonly identity: IdentityClient;
  readonly push: PushSender;
  /** The codes that are shown where these categories are hidden. */
  readonly openCodes: (hides: readonly string[]) => ReadonlySet<string>;
  readonly clock: { now(): number };
  readonly log: Logger;
  readonly counted: (channel: ChannelName, outcome: "sent" | "failed" | "given_up") => void;
}

/** What is to be sent to somebody, and how. */
interface Sending {
  /** Who has it in the end. */
  readonly to: string;
  send(): Promise<readonly Change[]>;
}

/**
 * Sends what is due. Whoever moves a delivery's time sends it, so replicas do not send the same; a process that dies after a channel
 * took a message and before that is stored leaves it to be sent once more, under the same Message-ID.
 */
export function createDeliveries(deps: DeliveriesDeps): {
  /** Resolves to how many were due. */
  work(): Promise<number>;
} {
  const { store, clock, log, counted } = deps;
  const { deliveries: collection } = collections;

  async function deliver({ document, revision }: Stored<DeliveryDocument>): Promise<void> {
    const { partition, notice: id, channel, tries } = document;
    const now = clock.now();
    const backoff = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries);
    const claimed = await replaced(
      store,
      { document, revision },
      { due_time: now + backoff, tries: tries + 1 },
    );
    if (claimed === undefined) return;
    const wait = await sendingsOf(deps, claimed.document, now);
    if (wait.until !== undefined) {
      await replaced(store, claimed, { due_time: wait.until, tries });
      return;
    }
    let at = claimed;
    let failed = false;
    for (const { to, send } of wait.sendings) {
      if (at.document.done.includes(to)) continue;
      try {
        const changes = await send();
        counted(channel as ChannelName, "sent");
        const next = await replaced(store, at, { done: [...at.document.done, to] }, changes);
        if (next === undefined) return;
        at = next;
      } catch (err) {
        failed = true;
        counted(channel as ChannelName, "failed");
        log.warn({ err, attempt: tries + 1 }, "a notice could not be sent; it is tried again");
      }
    }
    if (failed && tries + 1 < MOST_TRIES) return;
    if (failed) {
      counted(channel as ChannelName, "given_up");
      log.error({ attempt: tries + 1 }, "a notice was not sent and is given up; it is in the inbox");
    }
    const key = [partition, id, channel];
    await store.commit({ partition, changes: [{ kind: "delete", collection, key }] });
  }

  return {
    async work() {
      const { documents } = await store.scan<DeliveryDocument>(collection, {
        index: "due",
        equals: [],
        range: { to: clock.now() + 1 },
        limit: AT_ONCE,
      });
      for (const stored of documents) {
        await deliver(stored).catch((err: unknown) => log.warn({ err }, "a notice waits to be sent"));
      }
      return documents.length;
    },
  };
}

const AT_ONCE = 50;

/** Undefined where another replica changed it, or it is gone. */
async function replaced(
  store: Store,
  { document, revision }: Stored<DeliveryDocument>,
  change: Partial<DeliveryDocument>,
  further: readonly Change[] = [],
): Promise<Stored<DeliveryDocument> | undefined> {
  const next = { ...document, ...change };
  const { partition } = document;
  const made = {
    kind: "replace",
    collection: collections.deliveries,
    document: next,
    ifRevision: revision,
  } as const;
  const result = await store.commit({ partition, changes: [made, ...further] });
  return result.committed ? { document: next, revision: revision + 1 } : undefined;
}

/** To whom a delivery goes now, or until when it waits. No one: there is nothing to send any more. */
async function sendingsOf(
  deps: DeliveriesDeps,
  { partition, notice: id, channel }: DeliveryDocument,
  now: number,
): Promise<{ readonly until?: number; readonly sendings: readonly Sending[] }> {
  const nothing = { sendings: [] };
  const notice = await deps.inbox.get(partition, id);
  if (notice === undefined || notice.read) return nothing;
  const { preferences } = await deps.preferences.get(partition);
  if (!tells(preferences, channel as ChannelName, notice.kind)) return nothing;
  if (!(await isTrueStill(deps, partition, notice))) return nothing;
  if (preferences.quietHours !== undefined && !isUrgent(notice.kind)) {
    const zone = preferences.timeZone ?? (await deps.identity.timeZone(partition, now));
    const until = quietUntil(preferences.quietHours, zone, now);
    if (until !== undefined) return { until, sendings: [] };
  }
  const sendings = channel === "email" ? mailsOf : pushesOf;
  return { sendings: await sendings(deps, partition, notice, preferences) };
}

/** Nothing is told of a grant that does not hold any more, nor of a request that waits no more. What was done under it stays told. */
async function isTrueStill(
  { consents }: Pick<DeliveriesDeps, "consents">,
  partition: string,
  { kind, consent, consentRequest }: Notice,
): Promise<boolean> {
  if (consentRequest !== undefined) {
    return (await consents.describeRequest(partition, consentRequest))?.waits ?? false;
  }
  if (consent === undefined || !ofGrants.has(kind)) return true;
  const facts = await consents.describe(partition, consent);
  return facts !== undefined && !facts.revoked;
}

const ofGrants: ReadonlySet<Notice["kind"]> = new Set([
  "consent_granted",
  "consent_changed",
  "consent_ending",
]);

async function mailsOf(
  { identity, openCodes }: DeliveriesDeps,
  partition: string,
  notice: Notice,
  preferences: Preferences,
): Promise<readonly Sending[]> {
  const recipients = await identity.recipients(partition);
  return recipients
    .filter(({ hides }) => isShown(notice, hides.length === 0 ? undefined : openCodes(hides)))
    .map(({ account, language }) => ({
      to: account,
      async send() {
        const { subject, text } = mailOf(notice.kind, preferences.language ?? language);
        const messageId = `${notice.id}.${account}`;
        await identity.send({ partition, account, messageId, subject, text });
        return [];
      },
    }));
}

async function pushesOf(
  { subscriptions, push }: DeliveriesDeps,
  partition: string,
  notice: Notice,
  preferences: Preferences,
): Promise<readonly Sending[]> {
  return (await subscriptions.list(partition)).map((subscription) => ({
    to: subscription.id,
    async send() {
      const language = preferences.language ?? subscription.language;
      const message = { id: notice.id, ...pushOf(notice.kind, language) };
      const outcome = await push.send(subscription, message, isUrgent(notice.kind));
      return outcome === "gone" ? [subscriptions.deletion(partition, subscription.id)] : [];
    },
  }));
}
