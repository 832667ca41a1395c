import type { Change, Store } from "@wellapi/store";
import type { DeliveryDocument } from "./collections.ts";
import type { ConsentClient } from "./consent-client.ts";
import type { IdentityClient, Readers } from "./identity-client.ts";
import type { InboxRepository } from "./inbox-repository.ts";
import { isShownTo, isUrgent, type Notice } from "./notice.ts";
import { type ChannelName, type Preferences, quietUntil, tells } from "./preferences.ts";
import type { PreferencesRepository } from "./preferences-repository.ts";
import type { PushSender } from "./push-sender.ts";
import { OWN, type PushSubscription } from "./push-subscription.ts";
import type { SubscriptionRepository } from "./subscription-repository.ts";
import { mailOf, pushOf } from "./texts.ts";

export interface SendingsDeps {
  readonly store: Store;
  readonly inbox: Pick<InboxRepository, "get">;
  readonly preferences: Pick<PreferencesRepository, "get">;
  readonly subscriptions: Pick<SubscriptionRepository, "list" | "deletion">;
  readonly consents: ConsentClient;
  readonly identity: IdentityClient;
  readonly push: PushSender;
  /** The codes that are shown where these categories are hidden. */
  readonly openCodes: (hides: readonly string[]) => ReadonlySet<string>;
}

/** What is to be sent to somebody, and how. */
export interface Sending {
  /** Who has it in the end. */
  readonly to: string;
  /** Resolves to what the store is to learn of it. */
  send(): Promise<readonly Change[]>;
}

/** To whom a delivery goes now, or until when it waits. No one: there is nothing to send any more. */
export async function sendingsOf(
  deps: SendingsDeps,
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

/**
 * Nothing is told of a grant that does not hold any more, nor of a request that waits no more, nor that something is overdue which was
 * answered or taken back. What was done under it stays told.
 */
async function isTrueStill(
  { consents }: Pick<SendingsDeps, "consents">,
  partition: string,
  { kind, consent, consentRequest, rightsRequest = "", deletionObligation = "" }: Notice,
): Promise<boolean> {
  if (kind === "rights_overdue") return consents.isRightsRequestOverdue(partition, rightsRequest);
  if (kind === "deletion_overdue") return consents.isObligationOverdue(partition, deletionObligation);
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
  { identity, openCodes }: SendingsDeps,
  partition: string,
  notice: Notice,
  preferences: Preferences,
): Promise<readonly Sending[]> {
  const recipients = await identity.recipients(partition);
  return recipients
    .filter(({ hides }) => isShownTo(notice, hides, openCodes))
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
  deps: SendingsDeps,
  partition: string,
  notice: Notice,
  preferences: Preferences,
): Promise<readonly Sending[]> {
  const { subscriptions, push } = deps;
  return (await subscriptionsFor(deps, partition, notice)).map((subscription) => ({
    to: subscription.id,
    async send() {
      const language = preferences.language ?? subscription.language;
      const message = { id: notice.id, ...pushOf(notice.kind, language) };
      const outcome = await push.send(subscription, message, isUrgent(notice.kind));
      return outcome === "gone" ? [subscriptions.deletion(partition, subscription.id)] : [];
    },
  }));
}

/** The browsers to which the notice goes. Removes those of who acts for the patient no more. */
async function subscriptionsFor(
  { store, subscriptions, identity, openCodes }: SendingsDeps,
  partition: string,
  notice: Notice,
): Promise<readonly PushSubscription[]> {
  const stored = await subscriptions.list(partition);
  const accounts = new Set(stored.flatMap(({ account = OWN }) => (account === OWN ? [] : account)));
  const readers = await identity.readers(partition, [...accounts]);
  // Nobody is told while a record is frozen, but a mistaken death takes nobody's browser away.
  if (!readers.patient) return [];
  const hidesOf = new Map(stored.map((one) => [one.id, hiddenFrom(one, readers)]));
  const nobodys = stored.filter(({ id }) => hidesOf.get(id) === undefined);
  if (nobodys.length > 0) {
    const changes = nobodys.map(({ id }) => subscriptions.deletion(partition, id));
    await store.commit({ partition, changes });
  }
  return stored.filter(({ id }) => {
    const hides = hidesOf.get(id);
    return hides !== undefined && isShownTo(notice, hides, openCodes);
  });
}

/** Undefined: the browser is nobody's who may be told. */
function hiddenFrom({ account }: PushSubscription, { acting }: Readers): readonly string[] | undefined {
  if (account === OWN) return [];
  return account === undefined ? undefined : acting.get(account);
}
