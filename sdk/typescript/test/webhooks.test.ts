import { Event_Kind } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { verifyWebhook } from "../src/webhooks.ts";

const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;

function signed(content: object, at = new Date(), by = secret) {
  const body = JSON.stringify(content);
  const headers = {
    "Webhook-Id": "evt_1",
    "Webhook-Timestamp": String(Math.floor(at.getTime() / 1_000)),
    "Webhook-Signature": new Webhook(by).sign("evt_1", at, body),
  };
  return { headers, body };
}
const granted = { type: "consent.granted", data: { id: "evt_1", kind: "KIND_CONSENT_GRANTED", later: 1 } };

test("a webhook that verifies gives its event, also with fields and kinds of a later exchange", () => {
  const { event, ...rest } = verifyWebhook(secret, signed(granted));
  expect(rest).toEqual({ id: "evt_1", type: "consent.granted" });
  expect(event).toMatchObject({ id: "evt_1", kind: Event_Kind.CONSENT_GRANTED });
  const later = { type: "consent.renewed", data: { id: "evt_1", kind: "KIND_CONSENT_RENEWED" } };
  expect(verifyWebhook(secret, signed(later)).event).toMatchObject({ kind: Event_Kind.UNSPECIFIED });
  expect(verifyWebhook(secret, signed({ type: "webhook.test", data: {} })).event).toBeUndefined();
});

test("what is forged, changed, old or unsigned is refused", () => {
  const { headers, body } = signed(granted);
  const other = `whsec_${Buffer.alloc(32, 2).toString("base64")}`;
  for (const bad of [
    signed(granted, new Date(), other),
    signed(granted, new Date(Date.now() - 600_000)),
    { headers, body: `${body} ` },
    { headers: {}, body },
  ]) {
    expect(() => verifyWebhook(secret, bad)).toThrow(expect.objectContaining({ code: "verification" }));
  }
});
