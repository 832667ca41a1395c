import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { Webhook } from "standardwebhooks";
import { ClientError } from "./errors.ts";

/** A webhook that the exchange has sent (WebhookService). */
export interface ReceivedWebhook {
  /** The same at each try: ignore what you have. */
  readonly id: string;
  /** `consent.granted`; there may be others later: ignore what you do not know. */
  readonly type: string;
  /** Undefined of `webhook.test`. */
  readonly event: Event | undefined;
}

/**
 * Verifies a webhook by Standard Webhooks: signed with the secret, not older than five minutes. `body`: the bytes as they came, because what a
 * parser writes again has another signature. While a secret is rotated either verifies. Throws ClientError `verification`.
 */
export function verifyWebhook(
  secret: string,
  received: {
    readonly headers: Readonly<Record<string, string | string[] | undefined>>;
    readonly body: string | Buffer;
  },
): ReceivedWebhook {
  try {
    const headers = Object.fromEntries(
      Object.entries(received.headers).map(([name, value]) => [name.toLowerCase(), String(value ?? "")]),
    );
    const { type, data } = new Webhook(secret).verify(received.body, headers) as {
      type: string;
      data: JsonValue;
    };
    const isTest = type === "webhook.test";
    const event = isTest ? undefined : fromJson(EventSchema, data, { ignoreUnknownFields: true });
    return { id: headers["webhook-id"] ?? "", type, event };
  } catch (cause) {
    throw new ClientError("verification", "this is no webhook of the exchange: answer 400", { cause });
  }
}
