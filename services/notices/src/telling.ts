import { notedCalls } from "@wellapi/access-log";
import type { Effect } from "@wellapi/events";
import type { OrganizationTimes } from "@wellapi/service";
import type { Change, Store } from "@wellapi/store";
import { collections, type DeliveryDocument, type EndingDocument } from "./collections.ts";
import type { ConsentClient, ConsentFacts } from "./consent-client.ts";
import { tellEndingAt } from "./consent-ending.ts";
import { DUE_SINCE_EVER } from "./delivery.ts";
import { eraseInbox } from "./erasure.ts";
import type { HabitRepository } from "./habit-repository.ts";
import type { IdentityClient } from "./identity-client.ts";
import type { InboxRepository } from "./inbox-repository.ts";
import type { LogClient, LoggedAccess } from "./log-client.ts";
import { isUrgent, type Told } from "./notice.ts";
import type { OverdueStep } from "./organizations/event.ts";
import { localTime } from "./patient-clock.ts";
import { type ChannelName, tells } from "./preferences.ts";
import type { PreferencesRepository } from "./preferences-repository.ts";
import type { SubscriptionRepository } from "./subscription-repository.ts";
import { judge } from "./unusual.ts";

/** An access of which the log says that the patient may want to know. */
export interface Noted {
  readonly partition: string;
  readonly access: string;
  /** Of a read: at least so many in its hour. */
  readonly reads: number;
}

/** A consent has a new version, or an organization asks for one, or answers a rights request or an obligation to delete. */
export interface ConsentEvent {
  readonly partition: string;
  readonly became:
    | "consent_granted"
    | "consent_changed"
    | "consent_revoked"
    | "consent_requested"
    | "rights_answered"
    | "deletion_answered";
  /** The consent, the request, or the obligation. */
  readonly id: string;
  /** Version of the consent; 0 of any other. */
  readonly version: number;
  /** UTC milliseconds. */
  readonly time: number;
}

export interface TellingDeps {
  readonly store: Store;
  readonly inbox: InboxRepository;
  readonly habits: HabitRepository;
  readonly preferences: Pick<PreferencesRepository, "get">;
  readonly subscriptions: Pick<SubscriptionRepository, "any">;
  readonly log: LogClient;
  readonly consents: ConsentClient;
  readonly identity: Pick<IdentityClient, "timeZone">;
  readonly clock: { now(): number };
  /** A consent ends at its grantee's time. */
  readonly times: OrganizationTimes;
}

/** Decides what patients are told, and gives the changes that tell it. */
export interface Telling {
  /** What an access leads to. Of an erasure it deletes at once what there is. */
  ofAccess(noted: Noted): Promise<Effect>;
  ofConsent(event: ConsentEvent): Promise<Effect>;
  /** The changes that tell of a consent that ends, and end the timer. */
  ofEnding(ending: EndingDocument, revision: number): Promise<readonly Change[]>;
  /** The changes that put the timer of a consent's end forward, where its grantee's clock was moved. */
  forwarded(ending: EndingDocument, revision: number): Promise<readonly Change[]>;
  /** The changes that tell of an answer that did not come in time; none where the patient was told. */
  ofOverdue(partition: string, organization: string, overdue: OverdueStep): Promise<readonly Change[]>;
}

/** The changes that put a notice into the inbox, with what is to be sent of it. `same`: what makes it the same as another. */
type Tell = (partition: string, told: Told, same: readonly (string | number)[]) => Promise<readonly Change[]>;

const nothing: Effect = { changes: [] };

export function createTelling(deps: TellingDeps): Telling {
  const { inbox, preferences, subscriptions, log, consents, clock, times } = deps;

  const tell: Tell = async (partition, told, same) => {
    const now = clock.now();
    const made = await inbox.insertion(partition, told, [told.kind, ...same], now);
    if (made === undefined) return [];
    const { preferences: wished } = await preferences.get(partition);
    const dueTime = isUrgent(told.kind) ? DUE_SINCE_EVER : now;
    const channels: ChannelName[] = [];
    if (tells(wished, "email", told.kind)) channels.push("email");
    if (tells(wished, "push", told.kind) && (await subscriptions.any(partition))) channels.push("push");
    return [...made.changes, ...channels.map((channel) => delivery(partition, made.id, channel, dueTime))];
  };

  return {
    async ofAccess(noted) {
      const access = await log.lookup(noted.partition, noted.access);
      return access === undefined ? nothing : ofLogged(deps, tell, noted, access);
    },
    async ofConsent(event) {
      const { partition, became: kind, id, version, time: eventTime } = event;
      if (kind === "consent_requested") {
        const facts = await consents.describeRequest(partition, id);
        if (facts === undefined) return nothing;
        const { organization } = facts;
        const told: Told = { kind, eventTime, organization, consentRequest: id, codes: [] };
        return { changes: await tell(partition, told, [id]) };
      }
      if (kind === "rights_answered") {
        const organization = await consents.answererOf(partition, id);
        if (organization === undefined) return nothing;
        const told: Told = { kind, eventTime, organization, rightsRequest: id, codes: [] };
        return { changes: await tell(partition, told, [id, eventTime]) };
      }
      if (kind === "deletion_answered") {
        const organization = await consents.obligedBy(partition, id);
        if (organization === undefined) return nothing;
        const told: Told = { kind, eventTime, organization, deletionObligation: id, codes: [] };
        return { changes: await tell(partition, told, [id, eventTime]) };
      }
      const facts = await consents.describe(partition, id);
      if (facts === undefined) return nothing;
      await times.look();
      // To forbid something gives no permission, and to allow it again stops none.
      const became = facts.onlyDenies ? "consent_changed" : kind;
      const told: Told = {
        kind: became,
        eventTime,
        organization: facts.organization,
        consent: id,
        codes: [],
      };
      const changes = await tell(partition, told, [id, version]);
      return { changes: [...changes, ...(await timerOf(deps, event, facts))] };
    },
    async ofEnding({ partition, consent, end_time: endTime }, revision) {
      const key = [partition, consent];
      const over: Change = { kind: "delete", collection: collections.endings, key, ifRevision: revision };
      const facts = await consents.describe(partition, consent);
      await times.look();
      // What was revoked is not told, nor what has ended while this service stood still.
      if (facts === undefined || facts.revoked || facts.endTime !== endTime) return [over];
      const { organization } = facts;
      if (endTime <= times.now(organization)) return [over];
      const kind = "consent_ending";
      const told: Told = { kind, eventTime: clock.now(), consent, organization, endTime, codes: [] };
      return [over, ...(await tell(partition, told, [consent, endTime]))];
    },
    forwarded: (document, revision) => forwardedEnding(deps, document, revision),
    ofOverdue(partition, organization, { kind, time: eventTime, rightsRequest, deletionObligation }) {
      const told: Told = {
        kind: kind === "rights_request_overdue" ? "rights_overdue" : "deletion_overdue",
        eventTime,
        organization,
        ...(rightsRequest !== undefined && { rightsRequest }),
        ...(deletionObligation !== undefined && { deletionObligation }),
        codes: [],
      };
      return tell(partition, told, [rightsRequest ?? deletionObligation ?? ""]);
    },
  };
}

async function forwardedEnding(
  { consents, times }: Pick<TellingDeps, "consents" | "times">,
  document: EndingDocument,
  revision: number,
): Promise<readonly Change[]> {
  const { partition, consent, end_time: endTime } = document;
  const facts = await consents.describe(partition, consent);
  if (facts === undefined || facts.endTime !== endTime) return [];
  const ahead = times.aheadOf(facts.organization);
  const moved = ahead - (document.ahead_ms ?? 0);
  if (moved <= 0) return [];
  const sooner: EndingDocument = { ...document, due_time: document.due_time - moved, ahead_ms: ahead };
  return [{ kind: "replace", collection: collections.endings, document: sooner, ifRevision: revision }];
}

/** The timer of the consent's end, as the consent stands now. */
async function timerOf(
  { store, inbox, times }: Pick<TellingDeps, "store" | "inbox" | "times">,
  { partition, id: consent }: ConsentEvent,
  { organization, createTime, endTime, revoked }: ConsentFacts,
): Promise<readonly Change[]> {
  const { endings: collection } = collections;
  const [known, closed] = await Promise.all([
    store.get<EndingDocument>(collection, [partition, consent]),
    inbox.isClosed(partition),
  ]);
  const ahead = times.aheadOf(organization);
  const ends = endTime === undefined || revoked || closed ? undefined : endTime - ahead;
  const due = ends === undefined ? undefined : tellEndingAt({ createTime, endTime: ends });
  if (due === undefined || endTime === undefined) {
    return known === undefined ? [] : [{ kind: "delete", collection, key: [partition, consent] }];
  }
  const document: EndingDocument = {
    partition,
    consent,
    due_time: due,
    end_time: endTime,
    ...(ahead > 0 && { ahead_ms: ahead }),
  };
  if (known === undefined) return [{ kind: "insert", collection, document }];
  if (known.document.end_time === endTime) return [];
  return [{ kind: "replace", collection, document, ifRevision: known.revision }];
}

async function ofLogged(deps: TellingDeps, tell: Tell, noted: Noted, access: LoggedAccess): Promise<Effect> {
  const { partition, access: id } = noted;
  const { time: eventTime, organization, codes, emergencyAccess } = access;
  const about = { eventTime, access: id, codes, ...(organization !== "" && { organization }) };
  switch (notedCalls.get(access.method)) {
    case "emergency":
      return {
        changes: await tell(partition, { ...about, kind: "emergency_access", emergencyAccess }, [id]),
      };
    case "delegation":
      return { changes: await tell(partition, { ...about, kind: "delegation_accepted" }, [id]) };
    case "retraction": {
      const { day } = localTime(eventTime, await zoneOf(deps, partition, eventTime));
      return { changes: await tell(partition, { ...about, kind: "data_retracted" }, [organization, day]) };
    }
    case "read":
      return ofRead(deps, tell, noted, about);
    case "erasure":
      await eraseInbox(deps.store, partition);
      return nothing;
    case undefined:
      return nothing;
  }
}

async function ofRead(
  deps: TellingDeps,
  tell: Tell,
  { partition, reads }: Noted,
  about: Omit<Told, "kind">,
): Promise<Effect> {
  const { organization = "", eventTime: time } = about;
  const found = await deps.habits.find(partition, organization);
  if (found === undefined) return nothing;
  const { day, minute } = localTime(time, await zoneOf(deps, partition, time));
  const { unusual, habit } = judge(found.habit, { time, reads, day, hour: Math.floor(minute / 60) });
  const kept = await found.keep(habit);
  if (kept === undefined) return nothing;
  const told =
    unusual === undefined ? [] : await tell(partition, { ...about, kind: unusual }, [organization, day]);
  return { changes: [kept, ...told] };
}

/** As the patient has chosen, or by the record. */
async function zoneOf(
  { preferences, identity }: Pick<TellingDeps, "preferences" | "identity">,
  partition: string,
  time: number,
): Promise<string> {
  return (await preferences.get(partition)).preferences.timeZone ?? identity.timeZone(partition, time);
}

function delivery(partition: string, notice: string, channel: ChannelName, dueTime: number): Change {
  const document: DeliveryDocument = { partition, notice, channel, due_time: dueTime, tries: 0, done: [] };
  return { kind: "insert", collection: collections.deliveries, document };
}
