import { durationMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { WebhookEndpointSchema, WebhookService } from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { maskedFields } from "@wellapi/rpc";
import { encodeId } from "@wellapi/runtime";
import { invalidField } from "../errors.ts";
import type { TagOf } from "../organizations/feed-documents.ts";
import type { FeedRepository } from "../organizations/feed-repository.ts";
import type { Accesses } from "./accesses.ts";
import { problemOfUrl, type Reach } from "./address.ts";
import { type Endpoint, newSecret, rotated, USUAL_OVERLAP_MS } from "./endpoint.ts";
import type { EndpointRepository } from "./endpoint-repository.ts";
import type { Turns } from "./turns.ts";
import { endpointMessage, kindsOf, withFields } from "./webhook-convert.ts";

export interface EndpointHandlersDeps {
  readonly endpoints: EndpointRepository;
  readonly feed: Pick<FeedRepository, "newest" | "oldest" | "reaches">;
  readonly calls: Accesses;
  readonly turns: Pick<Turns, "look">;
  readonly tagOf: TagOf;
  readonly reach: Reach;
  readonly clock: { now(): number };
}

type Handlers = Pick<
  ServiceImpl<typeof WebhookService>,
  | "createWebhookEndpoint"
  | "getWebhookEndpoint"
  | "listWebhookEndpoints"
  | "updateWebhookEndpoint"
  | "deleteWebhookEndpoint"
  | "rotateWebhookSecret"
>;

const { method } = WebhookService;

/** The RPCs of the endpoints themselves. */
export function createEndpointHandlers(deps: EndpointHandlersDeps): Handlers {
  const { endpoints, feed, calls, turns, tagOf, reach, clock } = deps;
  return {
    createWebhookEndpoint({ webhookEndpoint, requestId }, context) {
      return calls.logged(context, method.createWebhookEndpoint, requestId, async (owner, commit) => {
        const { url = "", description = "" } = webhookEndpoint ?? {};
        checkUrl(url, reach);
        const kinds = kindsOf(webhookEndpoint?.kinds ?? []);
        const mac = Buffer.from(tagOf(`webhook ${JSON.stringify([owner.feed, requestId])}`), "base64url");
        const endpoint: Endpoint = {
          id: `whe_${encodeId(mac.subarray(0, 16))}`,
          organization: owner.organization,
          url,
          description,
          kinds,
          state: "enabled",
          createTime: clock.now(),
          secrets: [newSecret(requestId)],
          version: 1,
        };
        const asked = tagOf(`webhook asked ${JSON.stringify([url, description, kinds])}`);
        const position = await feed.newest(owner.feed);
        return shownWithSecret(
          await endpoints.create(owner.feed, { endpoint, asked, position }, commit),
          clock,
        );
      });
    },
    async getWebhookEndpoint({ webhookEndpoint }, context) {
      const found = await endpoints.get(calls.ownerOf(context).feed, webhookEndpoint);
      return { webhookEndpoint: endpointMessage(found, clock.now()) };
    },
    async listWebhookEndpoints(_request, context) {
      const all = await endpoints.list(calls.ownerOf(context).feed);
      return { webhookEndpoints: all.map((one) => endpointMessage(one, clock.now())) };
    },
    async updateWebhookEndpoint({ webhookEndpoint: asked, updateMask }, context) {
      const answer = await calls.logged(context, method.updateWebhookEndpoint, "", async (owner, commit) => {
        const fields = maskedFields(WebhookEndpointSchema, asked, updateMask);
        if (asked === undefined) throw new TypeError("the contract requires webhook_endpoint");
        if (fields.has("url")) checkUrl(asked.url, reach);
        const now = clock.now();
        const { id: endpoint, etag } = asked;
        const changed = await endpoints.amend(
          owner.feed,
          { endpoint, etag },
          async (before, place) => {
            const after = withFields(before, asked, fields);
            // What was missed was told by the state: it goes on with what is kept.
            const gap = after.state === "enabled" && !(await feed.reaches(owner.feed, place, now));
            return { endpoint: after, ...(gap && { position: await feed.oldest(owner.feed, now) }) };
          },
          now,
          commit,
        );
        return { webhookEndpoint: endpointMessage(changed, now) };
      });
      turns.look();
      return answer;
    },
    deleteWebhookEndpoint({ webhookEndpoint }, context) {
      return calls.logged(context, method.deleteWebhookEndpoint, "", async ({ feed: own }, commit) => {
        await endpoints.remove(own, webhookEndpoint, commit);
        return {};
      });
    },
    rotateWebhookSecret({ webhookEndpoint, overlap, requestId }, context) {
      return calls.logged(context, method.rotateWebhookSecret, requestId, async (owner, commit) => {
        const now = clock.now();
        const overlapMs = overlap === undefined ? USUAL_OVERLAP_MS : durationMs(overlap);
        const changed = await endpoints.amend(
          owner.feed,
          { endpoint: webhookEndpoint },
          async (before) => ({ endpoint: rotated(before, requestId, overlapMs, now) }),
          now,
          commit,
        );
        return shownWithSecret(changed, clock);
      });
    },
  };
}

function shownWithSecret(endpoint: Endpoint, clock: { now(): number }) {
  const webhookEndpoint = endpointMessage(endpoint, clock.now());
  return { webhookEndpoint, secret: endpoint.secrets[0]?.secret ?? "" };
}

/** Throws `invalid`. */
function checkUrl(url: string, reach: Reach): void {
  const problem = problemOfUrl(url, reach);
  if (problem !== undefined) throw invalidField("webhook_endpoint.url", problem);
}
