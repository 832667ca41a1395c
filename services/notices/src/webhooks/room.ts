import type { Transport } from "@connectrpc/connect";
import type { AccessLog } from "@wellapi/access-log";
import { WebhookService } from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import { type Clock, createCounter, createLoop, type Logger, seriesAttributes } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import { createItemSealer, type Kms, type Pairwise } from "@wellapi/vault";
import type { CourseClient } from "../organizations/course-client.ts";
import { feedOf, type TagOf } from "../organizations/feed-documents.ts";
import type { FeedRepository } from "../organizations/feed-repository.ts";
import type { ResumeTokensOf } from "../organizations/resume-tokens.ts";
import { createPruning } from "../pruning.ts";
import { createAccesses } from "./accesses.ts";
import type { Reach } from "./address.ts";
import { passOnAlerts } from "./alerts.ts";
import { createDeliveryHandlers } from "./delivery-handlers.ts";
import { createDeliveryRepository } from "./delivery-repository.ts";
import { createEndpointHandlers } from "./endpoint-handlers.ts";
import { createEndpointRepository } from "./endpoint-repository.ts";
import { createMemberMailClient } from "./member-mail-client.ts";
import { createStandingClient } from "./standing-client.ts";
import { createTurns, type Turns } from "./turns.ts";
import { WEBHOOKS_KEY } from "./webhook-documents.ts";
import { type AddressesOf, createWebhookSender } from "./webhook-sender.ts";

export interface WebhooksConfig {
  readonly reach: Reach;
  /** As `createWebhookSender` has it. */
  readonly timeoutMs?: number;
  /** As `createWebhookSender` has it. */
  readonly addressesOf?: AddressesOf;
}

export interface WebhooksRoomDeps {
  readonly store: Store;
  readonly kms: Pick<Kms, "derive">;
  readonly accessLog: AccessLog;
  readonly pairwise: Pairwise;
  readonly pageTokens: PageTokens;
  readonly resumeTokensOf: ResumeTokensOf;
  readonly feed: FeedRepository;
  readonly courses: CourseClient;
  readonly tagOf: TagOf;
  /** Reaches identity as the workload `notices`. */
  readonly network: Transport;
  readonly clock: Clock;
  readonly log: Logger;
  readonly workEveryMs: number;
}

export interface WebhooksRoom extends Pick<Turns, "start" | "wake"> {
  readonly route: Route;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

const { webhookOutcome } = seriesAttributes;

/** Organizations' endpoints, and what is delivered to them. */
export async function openWebhooksRoom(
  { reach, ...overrides }: WebhooksConfig,
  deps: WebhooksRoomDeps,
): Promise<WebhooksRoom> {
  const { store, network, clock, log, tagOf } = deps;
  const closing = new AbortController();
  const sealer = createItemSealer(await deps.kms.derive(WEBHOOKS_KEY));
  const endpoints = createEndpointRepository(store, sealer);
  const deliveries = createDeliveryRepository(store);
  const sender = createWebhookSender({ reach, clock, ...overrides });
  const attempts = createCounter("webhookAttempts");
  const turns = createTurns({
    ...deps,
    sealer,
    deliveries,
    standing: createStandingClient(network),
    sender,
    counted: (outcome) => attempts.add(1, { [webhookOutcome]: outcome }),
  });
  const alerts = { store, sealer, mail: createMemberMailClient(network), clock, log };
  const alerting = createLoop({
    everyMs: deps.workEveryMs,
    work: () => passOnAlerts(alerts, closing.signal),
    onError: (err) => log.warn({ err }, "alerts of webhook endpoints could not be read; trying again"),
  });
  const pruning = createPruning({
    prune: deliveries.prune,
    what: "old deliveries of webhooks",
    clock,
    log,
    closing: closing.signal,
  });
  const calls = createAccesses({ ...deps, feedOf: (organization) => feedOf(tagOf, organization) });
  const shared = { ...deps, endpoints, deliveries, sender, calls, turns, reach, closing: closing.signal };
  return {
    route: route(WebhookService, { ...createEndpointHandlers(shared), ...createDeliveryHandlers(shared) }),
    start: turns.start,
    wake: turns.wake,
    async close() {
      closing.abort();
      await turns.close();
      await alerting.close();
      await pruning.close();
    },
  };
}
