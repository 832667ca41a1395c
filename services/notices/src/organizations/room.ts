import type { Transport } from "@connectrpc/connect";
import type { AccessLog } from "@wellapi/access-log";
import type { DeliveredEvent, Events } from "@wellapi/events";
import { EventService } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { type PageTokens, type Route, route, rpcNameOf } from "@wellapi/rpc";
import { type Clock, createLoop, type Logger } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { Store } from "@wellapi/store";
import { createTextMac, type Kms, type Pairwise, type Vault } from "@wellapi/vault";
import { followed, subjectOf } from "../event-convert.ts";
import type { InboxChanges } from "../inbox-changes.ts";
import { createPruning } from "../pruning.ts";
import { openWebhooksRoom, type WebhooksConfig } from "../webhooks/room.ts";
import { createCourseClient } from "./course-client.ts";
import { createEventHandlers } from "./event-handlers.ts";
import { feedOf } from "./feed-documents.ts";
import { createFeedRepository } from "./feed-repository.ts";
import { createFeedWriter } from "./feed-writer.ts";
import { createFollowing, type FollowingDeps } from "./following.ts";
import { createResumeTokensOf } from "./resume-tokens.ts";

export interface OrganizationsRoomDeps {
  readonly store: Store;
  readonly events: Events;
  readonly vault: Vault;
  readonly kms: Pick<Kms, "derive">;
  readonly accessLog: AccessLog;
  readonly pairwise: Pairwise;
  readonly pageTokens: PageTokens;
  readonly changes: InboxChanges;
  /** Reaches consent and identity as the workload `notices`. */
  readonly network: Transport;
  readonly clock: Clock;
  readonly times: OrganizationTimes;
  readonly log: Logger;
  readonly workEveryMs: number;
  readonly webhooks: WebhooksConfig;
  /** As `createFollowing` needs it. */
  readonly tellPatient: FollowingDeps["tellPatient"];
}

export interface OrganizationsRoom {
  /** EventService, WebhookService. */
  readonly routes: readonly Route[];
  /** Delivers webhooks from now on. */
  start(): void;
  close(): Promise<void>;
}

/** What organizations are told: follows consents and requests from now on, serves the events, and delivers them. */
export async function openOrganizationsRoom(deps: OrganizationsRoomDeps): Promise<OrganizationsRoom> {
  const { store, vault, changes, clock, log } = deps;
  const closing = new AbortController();
  const tagOf = createTextMac(await deps.kms.derive("notices/organizations"));
  const feed = createFeedRepository(store, vault);
  const courses = createCourseClient(deps.network);
  const resumeTokensOf = createResumeTokensOf(deps.pageTokens, rpcNameOf(EventService.method.watchEvents));
  const webhooks = await openWebhooksRoom(deps.webhooks, { ...deps, feed, courses, tagOf, resumeTokensOf });
  const following = createFollowing({
    feed: createFeedWriter({ store, vault, tagOf }),
    courses,
    clock,
    times: deps.times,
    feedOf: (organization) => feedOf(tagOf, organization),
    log,
    tellPatient: deps.tellPatient,
    async told(organization) {
      const own = feedOf(tagOf, organization);
      changes.tell(own);
      await webhooks.wake(own);
    },
  });
  const timers = createLoop({
    everyMs: deps.workEveryMs,
    work: () => following.work(),
    onError: (err) => log.warn({ err }, "what is due to organizations could not be read; trying again"),
  });
  const pruning = createPruning({
    prune: feed.prune,
    what: "old events",
    clock,
    log,
    closing: closing.signal,
  });
  // Not by `openIdempotentConsumer`: the event does not say the organization, in whose partition the effect lies. What is told is
  // compared with what was told already, in the same commit.
  const consumer = await deps.events.consume({
    durable: "organizations",
    subjects: followed,
    async handle(batch: readonly DeliveredEvent[]) {
      for (const event of batch) {
        const { partition, ...subject } = subjectOf(event);
        await following.follow(partition, subject, closing.signal);
      }
    },
  });
  return {
    routes: [
      route(
        EventService,
        createEventHandlers({
          ...deps,
          feed,
          courses,
          resumeTokensOf,
          feedOf: (organization) => feedOf(tagOf, organization),
          closing: closing.signal,
        }),
      ),
      webhooks.route,
    ],
    start: webhooks.start,
    async close() {
      closing.abort();
      await consumer.close();
      await timers.close();
      await pruning.close();
      await webhooks.close();
    },
  };
}
