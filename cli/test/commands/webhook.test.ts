import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Event_Kind as Kind } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import {
  WebhookAttempt_Outcome as Outcome,
  WebhookEndpoint_DisableReason as Reason,
  WebhookDelivery_State as State,
  WebhookService,
  WebhookEndpoint_State as Whether,
} from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

const time = timestampFromMs(Date.UTC(2026, 3, 12, 8));
const endpoint = { id: "whe_1", url: "https://hooks.example.org/", state: Whether.ENABLED, createTime: time };
const attempt = { time, outcome: Outcome.REFUSED, statusCode: 503, latency: durationFromMs(42) };

/** An exchange that keeps what it is asked. */
async function openExchange() {
  const asked: object[] = [];
  const answering = (answer: object) => (request: object) => {
    const { $typeName: _, ...fields } = request as { $typeName: string };
    asked.push(fields);
    return answer;
  };
  const delivery = { event: "evt_1", kind: Kind.CONSENT_GRANTED, createTime: time, state: State.WAITING };
  const env = await openGateway(({ service }) =>
    service(WebhookService, {
      createWebhookEndpoint: answering({ webhookEndpoint: endpoint, secret: "whsec_1" }),
      getWebhookEndpoint: answering({
        webhookEndpoint: { ...endpoint, state: Whether.DISABLED, disableReason: Reason.GONE },
      }),
      listWebhookEndpoints: answering({ webhookEndpoints: [{ ...endpoint, kinds: [Kind.CONSENT_REVOKED] }] }),
      updateWebhookEndpoint: answering({ webhookEndpoint: { ...endpoint, state: Whether.PAUSED } }),
      deleteWebhookEndpoint: answering({}),
      rotateWebhookSecret: answering({ webhookEndpoint: endpoint, secret: "whsec_2" }),
      testWebhookEndpoint: answering({
        event: "evt_9",
        attempt: { ...attempt, outcome: Outcome.TAKEN, statusCode: 204 },
      }),
      listWebhookDeliveries: answering({
        webhookDeliveries: [{ ...delivery, attemptCount: 3, attempts: [attempt], nextAttemptTime: time }],
      }),
      retryWebhookDelivery: answering({ webhookDelivery: delivery }),
      replayWebhookEvents: answering({ webhookEndpoint: endpoint }),
    }),
  );
  return { env, asked };
}

test("creates an endpoint, rotates its secret, and shows each secret once", async () => {
  const { env, asked } = await openExchange();
  const words = ["webhook", "create", endpoint.url, "--kind", "consent.granted", "--request-id", "r"];
  expect((await wellapi(words, { env })).out).toBe(
    "whe_1  enabled  https://hooks.example.org/\nsecret: whsec_1",
  );
  const rotated = await wellapi(["webhook", "rotate", "whe_1", "--overlap-hours", "2"], { env });
  expect(rotated.out).toContain("whsec_2");
  expect(asked).toMatchObject([
    { webhookEndpoint: { url: endpoint.url, kinds: [Kind.CONSENT_GRANTED] }, requestId: "r" },
    { webhookEndpoint: "whe_1", overlap: { seconds: 7_200n } },
  ]);
});

test("shows endpoints and why one is disabled, changes only what is said, and deletes", async () => {
  const { env, asked } = await openExchange();
  expect((await wellapi(["webhook", "list"], { env })).out).toMatch(/whe_1 .* enabled .* consent\.revoked/);
  const { out } = await wellapi(["webhook", "get", "whe_1"], { env });
  expect(out).toBe("whe_1  disabled: it said that it is gone  https://hooks.example.org/");
  const words = ["webhook", "update", "whe_1", "--state", "paused", "--all-kinds"];
  expect((await wellapi(words, { env })).out).toContain("paused");
  expect(asked.at(-1)).toMatchObject({
    webhookEndpoint: { id: "whe_1", state: Whether.PAUSED, kinds: [] },
    updateMask: { paths: ["kinds", "state"] },
  });
  expect((await wellapi(["webhook", "update", "whe_1"], { env })).code).toBe(2);
  expect((await wellapi(["webhook", "delete", "whe_1"], { env })).out).toBe("whe_1 deleted");
});

test("lists deliveries with what came of the last try, retries, replays and tests", async () => {
  const { env, asked } = await openExchange();
  const { out } = await wellapi(["webhook", "deliveries", "whe_1", "--state", "waiting"], { env });
  expect(out).toMatch(/evt_1 .* consent\.granted .* waiting .* 3 .* refused \(503\), 42 ms/);
  expect(asked.at(-1)).toMatchObject({ state: State.WAITING });
  expect((await wellapi(["webhook", "retry", "whe_1", "evt_1"], { env })).out).toBe("evt_1  waiting");
  await wellapi(["webhook", "replay", "whe_1", "--from", "2026-04-12T08:00:00Z"], { env });
  expect(asked.at(-1)).toMatchObject({ from: { case: "startTime", value: { seconds: time.seconds } } });
  await wellapi(["webhook", "replay", "whe_1", "--resume", "t"], { env });
  expect(asked.at(-1)).toMatchObject({ from: { case: "resumeToken", value: "t" } });
  expect((await wellapi(["webhook", "replay", "whe_1"], { env })).code).toBe(2);
  expect((await wellapi(["webhook", "test", "whe_1"], { env })).out).toBe("evt_9  taken (204), 42 ms");
});
