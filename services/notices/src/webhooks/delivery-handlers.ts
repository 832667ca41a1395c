import { randomBytes } from "node:crypto";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  ListWebhookDeliveriesRequestSchema,
  WebhookService,
} from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { openListPage, type PageTokens, rpcNameOf, textPosition } from "@wellapi/rpc";
import { encodeId } from "@wellapi/runtime";
import type { Stored } from "@wellapi/store";
import { noticesError } from "../errors.ts";
import type { CourseClient } from "../organizations/course-client.ts";
import type { FeedRepository, Position } from "../organizations/feed-repository.ts";
import type { ResumeTokensOf } from "../organizations/resume-tokens.ts";
import type { Accesses, Owner } from "./accesses.ts";
import { waiting } from "./attempt.ts";
import { type DeliveryRepository, progressed, progressOf } from "./delivery-repository.ts";
import { secretsInForce } from "./endpoint.ts";
import type { EndpointRepository } from "./endpoint-repository.ts";
import { testMessage } from "./message-convert.ts";
import type { Turns } from "./turns.ts";
import { attemptMessage, deliveryMessage, endpointMessage, stateOf } from "./webhook-convert.ts";
import type { WebhookDeliveryDocument } from "./webhook-documents.ts";
import type { WebhookSender } from "./webhook-sender.ts";

export interface DeliveryHandlersDeps {
  readonly endpoints: EndpointRepository;
  readonly deliveries: DeliveryRepository;
  readonly feed: Pick<FeedRepository, "find" | "oldest" | "reaches">;
  readonly courses: Pick<CourseClient, "holders">;
  readonly calls: Accesses;
  readonly turns: Pick<Turns, "look">;
  readonly sender: WebhookSender;
  readonly pageTokens: PageTokens;
  readonly resumeTokensOf: ResumeTokensOf;
  readonly clock: { now(): number };
  /** Aborted when the service closes. */
  readonly closing: AbortSignal;
}

type Handlers = Pick<
  ServiceImpl<typeof WebhookService>,
  "testWebhookEndpoint" | "listWebhookDeliveries" | "retryWebhookDelivery" | "replayWebhookEvents"
>;

const { method } = WebhookService;

/** The RPCs of what is delivered to endpoints. */
export function createDeliveryHandlers(deps: DeliveryHandlersDeps): Handlers {
  const { endpoints, deliveries, feed, calls, turns, clock } = deps;
  return {
    ...createTestHandler(deps),
    async listWebhookDeliveries(request, context) {
      const owner = calls.ownerOf(context);
      const { caller, feed: own } = owner;
      const { after, limit, token } = openListPage({
        tokens: deps.pageTokens,
        caller,
        method: rpcNameOf(method.listWebhookDeliveries),
        schema: ListWebhookDeliveriesRequestSchema,
        request,
        sizes: { usual: 50, most: 100 },
        position: textPosition,
      });
      await endpoints.get(own, request.webhookEndpoint);
      const state = stateOf(request.state);
      const asked = { limit, ...(state && { state }), ...(after !== undefined && { cursor: after }) };
      const page = await deliveries.list(own, request.webhookEndpoint, asked);
      const shown = await shownOf(deps, owner, page.documents);
      return { webhookDeliveries: shown, nextPageToken: token(page.cursor) };
    },
    async retryWebhookDelivery({ webhookEndpoint, event }, context) {
      const answer = await calls.logged(context, method.retryWebhookDelivery, "", async (owner, commit) => {
        const stored = await deliveries.find(owner.feed, webhookEndpoint, event);
        if (stored === undefined) throw noticesError("no_webhook_delivery");
        const now = clock.now();
        const again = progressed(stored, waiting(progressOf(stored.document), now), now);
        await endpoints.amend(
          owner.feed,
          { endpoint: webhookEndpoint },
          async (endpoint) => ({ endpoint }),
          now,
          (changes) => commit([...changes, again]),
        );
        const next = await deliveries.find(owner.feed, webhookEndpoint, event);
        const [webhookDelivery] = await shownOf(deps, owner, [next ?? stored]);
        return { webhookDelivery };
      });
      turns.look();
      return answer;
    },
    async replayWebhookEvents({ webhookEndpoint, from }, context) {
      const answer = await calls.logged(context, method.replayWebhookEvents, "", async (owner, commit) => {
        const now = clock.now();
        const position = await positionOf(deps, owner, from);
        if (!(await feed.reaches(owner.feed, position, now))) throw noticesError("resume_token_too_old");
        const changed = await endpoints.amend(
          owner.feed,
          { endpoint: webhookEndpoint },
          async (endpoint) => ({ endpoint, position }),
          now,
          commit,
        );
        return { webhookEndpoint: endpointMessage(changed, now) };
      });
      turns.look();
      return answer;
    },
  };
}

function createTestHandler(deps: DeliveryHandlersDeps): Pick<Handlers, "testWebhookEndpoint"> {
  const { endpoints, calls, sender, clock, closing } = deps;
  /** Endpoints whose test has no answer yet. */
  const underWay = new Set<string>();
  return {
    testWebhookEndpoint({ webhookEndpoint: id }, context) {
      return calls.logged(context, method.testWebhookEndpoint, "", async ({ feed: own }) => {
        const endpoint = await endpoints.get(own, id);
        if (underWay.has(id)) throw noticesError("test_under_way");
        underWay.add(id);
        try {
          const event = `evt_${encodeId(randomBytes(16))}`;
          const secrets = secretsInForce(endpoint, clock.now()).map(({ secret }) => secret);
          const message = testMessage(event, id, clock.now());
          const signal = AbortSignal.any([context.signal, closing]);
          const attempt = await sender.send({ url: endpoint.url, secrets }, message, signal);
          return { event, attempt: attemptMessage(attempt) };
        } finally {
          underWay.delete(id);
        }
      });
    },
  };
}

/** What an event tells of is sealed with it, and shown where the organization may know of it at this moment. */
async function shownOf(
  { feed, courses }: Pick<DeliveryHandlersDeps, "feed" | "courses">,
  { organization, feed: own }: Owner,
  page: ReadonlyArray<Stored<WebhookDeliveryDocument>>,
) {
  const sent = page.filter(({ document }) => document.state !== "withheld");
  const found = await Promise.all(sent.map(({ document }) => feed.find(own, document)));
  const events = found.filter((event) => event !== undefined);
  const holders = await courses.holders(events);
  const kinds = new Map(
    events.map(({ id, kind }, i) => [id, holders[i] === organization ? kind : undefined]),
  );
  return page.map(({ document }) => deliveryMessage(document, kinds.get(document.event)));
}

/** Throws PageTokenError. */
async function positionOf(
  { feed, resumeTokensOf, clock }: Pick<DeliveryHandlersDeps, "feed" | "resumeTokensOf" | "clock">,
  { caller, feed: own }: Owner,
  from: Parameters<ServiceImpl<typeof WebhookService>["replayWebhookEvents"]>[0]["from"],
): Promise<Position> {
  const token = from.case === "resumeToken" ? resumeTokensOf(caller).open(from.value) : undefined;
  if (token !== undefined) return token;
  const since = from.case === "startTime" ? timestampMs(from.value) : clock.now();
  return feed.oldest(own, clock.now(), since);
}
