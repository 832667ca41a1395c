import type { Transport } from "@connectrpc/connect";
import type { AccessLog } from "@wellapi/access-log";
import { type Events, openIdempotentConsumer } from "@wellapi/events";
import { NoticesService } from "@wellapi/gen/wellapi/notices/v1/notices_service_pb";
import { createFollower, type JournalAccess } from "@wellapi/journal";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import { type Clock, createCounter, createLoop, type Logger, seriesAttributes } from "@wellapi/runtime";
import { createTrueTimes, type OrganizationTimes } from "@wellapi/service";
import type { Store } from "@wellapi/store";
import { codesWithout, type Terminology } from "@wellapi/terminology";
import type { Kms, Pairwise, Vault } from "@wellapi/vault";
import { createAccesses } from "./accesses.ts";
import { createConsentClient } from "./consent-client.ts";
import { createDeliveries } from "./delivery.ts";
import { createEndings } from "./endings.ts";
import { eraseInbox } from "./erasure.ts";
import { noticesError } from "./errors.ts";
import { consumed, incomingOf, partitionOf } from "./event-convert.ts";
import { createHabitRepository } from "./habit-repository.ts";
import { createIdentityClient } from "./identity-client.ts";
import { openInboxChanges } from "./inbox-changes.ts";
import { createInboxHandlers } from "./inbox-handlers.ts";
import { createInboxRepository } from "./inbox-repository.ts";
import { createLogClient } from "./log-client.ts";
import { openOrganizationsRoom } from "./organizations/room.ts";
import { createPreferencesRepository } from "./preferences-repository.ts";
import { createPruning } from "./pruning.ts";
import { openPushKey } from "./push-keys.ts";
import { createPushSender } from "./push-sender.ts";
import { createSettingsHandlers } from "./settings-handlers.ts";
import { createSubscriptionRepository } from "./subscription-repository.ts";
import { createTelling } from "./telling.ts";
import type { WebhooksConfig } from "./webhooks/room.ts";

export interface NoticesConfig {
  /** Push services to which it sends, as `isKnownEndpoint` reads them. */
  readonly pushHosts: readonly string[];
  readonly webhooks: WebhooksConfig;
  /** How often what is due is looked for, in milliseconds; default 5,000. What has just come up is sent at once. */
  readonly workEveryMs?: number;
}

export interface NoticesDeps {
  /** Declares `noticesCollections`. */
  readonly store: Store;
  readonly events: Events;
  readonly vault: Vault;
  readonly kms: Kms;
  readonly pairwise: Pairwise;
  readonly pageTokens: PageTokens;
  readonly accessLog: AccessLog;
  readonly journal: JournalAccess;
  readonly terminology: Terminology;
  /** Reaches identity, consent and audit as the workload `notices`, on its own behalf. */
  readonly network: Transport;
  /** How a push service reaches the operator: `https:` or `mailto:`. */
  readonly contact: () => string;
  readonly clock: Clock;
  /** What time it is for each organization. Default: the true time. */
  readonly times?: OrganizationTimes;
  readonly log: Logger;
}

export interface OpenNoticesService {
  /** NoticesService, EventService, WebhookService. */
  readonly routes: readonly Route[];
  /** Sends from now on. Before, the exchange has no address that a message could name. */
  ready(): Promise<void>;
  /** Waits for what is under way. What it was given stays open. */
  close(): Promise<void>;
}

const { noticeChannel, noticeOutcome } = seriesAttributes;

/** Opens the service, once it has deleted what an erasure of the journal deletes. Throws JournalError. */
export async function openNoticesService(
  config: NoticesConfig,
  deps: NoticesDeps,
): Promise<OpenNoticesService> {
  const { store, vault, clock, times = createTrueTimes(clock), log, events, network } = deps;
  const { workEveryMs = 5_000 } = config;
  const closing = new AbortController();
  const journal = createFollower({ ...deps.journal, store, log });
  await journal.start(async ({ kind, partition }) => {
    if (kind === "patient_erased") await eraseInbox(store, partition);
  });
  const pushKey = await openPushKey(deps);
  const push = createPushSender({ key: pushKey, subject: deps.contact });
  const inbox = createInboxRepository(store, vault);
  const preferences = createPreferencesRepository(store, vault);
  const subscriptions = createSubscriptionRepository(store, vault);
  const changes = openInboxChanges(events);
  const identity = createIdentityClient(network);
  const consents = createConsentClient(network);
  const openCodes = (hides: readonly string[]) => codesWithout(deps.terminology, "all", hides);
  const repositories = { inbox, preferences, subscriptions, habits: createHabitRepository(store, vault) };
  const shared = { ...repositories, store, identity, consents, openCodes, clock, times, log };
  const sent = createCounter("noticesSent");
  const deliveries = createDeliveries({
    ...shared,
    push,
    counted: (channel, outcome) => sent.add(1, { [noticeChannel]: channel, [noticeOutcome]: outcome }),
  });
  const telling = createTelling({ ...shared, log: createLogClient(network) });
  const endings = createEndings({ ...shared, telling, told: changes.tell });

  let sends = false;
  const sending = (which: "all" | "urgent") =>
    createLoop({
      everyMs: workEveryMs,
      async work() {
        if (!sends) return;
        if (which === "all") await endings.work();
        while ((await deliveries.work(which, closing.signal)) > 0 && !closing.signal.aborted);
      },
      onError: (err) => log.warn({ err }, "notices wait to be sent; trying again"),
    });
  // What is urgent has a loop of its own: the other may wait for a channel that does not answer.
  const loops = [sending("urgent"), sending("all")];
  const pruning = createPruning({
    prune: inbox.prune,
    what: "old notices",
    clock,
    log,
    closing: closing.signal,
  });
  const consumer = await openIdempotentConsumer({
    events,
    store,
    durable: "notices",
    subjects: consumed,
    partitionOf,
    async effectOf(event) {
      const incoming = incomingOf(event);
      return "noted" in incoming ? telling.ofAccess(incoming.noted) : telling.ofConsent(incoming.consent);
    },
    onHandled(event) {
      changes.tell(partitionOf(event));
      for (const loop of loops) loop.wake();
    },
    clock,
    onError: (err) => log.warn({ err }, "handled events were not removed"),
  });
  const organizations = await openOrganizationsRoom({
    ...deps,
    ...config,
    times,
    changes,
    workEveryMs,
    async tellPatient(partition, organization, overdue) {
      const told = await telling.ofOverdue(partition, organization, overdue);
      if (told.length === 0) return;
      // The inbox changed meanwhile.
      if (!(await store.commit({ partition, changes: told })).committed) throw noticesError("unavailable");
      changes.tell(partition);
      for (const loop of loops) loop.wake();
    },
  });
  const logged = createAccesses(deps);
  return {
    routes: [
      route(NoticesService, {
        ...createInboxHandlers({ ...shared, changes, pageTokens: deps.pageTokens, closing: closing.signal }),
        ...createSettingsHandlers({
          ...shared,
          logged,
          pushKey: pushKey.publicKey,
          pushHosts: config.pushHosts,
        }),
      }),
      ...organizations.routes,
    ],
    async ready() {
      sends = true;
      for (const loop of loops) loop.wake();
      organizations.start();
    },
    async close() {
      closing.abort();
      await consumer.close();
      await organizations.close();
      await Promise.all(loops.map((loop) => loop.close()));
      await pruning.close();
      changes.close();
      push.close();
      await journal.close();
    },
  };
}
