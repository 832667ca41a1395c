import { Agent } from "node:https";
import webPush, { WebPushError } from "web-push";
import type { PushKey } from "./push-keys.ts";
import type { PushSubscription } from "./push-subscription.ts";

/** What the push service says of a message. `gone`: the browser has no such subscription any more. */
export type PushOutcome = "sent" | "gone";

export interface PushSender {
  /** Resolves once the push service has it. Throws where it should be tried again; the error names nobody. */
  send(subscription: PushSubscription, message: object, urgent: boolean): Promise<PushOutcome>;
  close(): void;
}

const TIMEOUT_MS = 10_000;
/** How long a push service keeps it for a browser that is not there, seconds. */
const KEPT_S = 86_400;
/** No such subscription; one that the browser ended. */
const goneStatuses: readonly number[] = [404, 410];

/**
 * Sends by web push (RFC 8030), encrypted for the browser (RFC 8291), signed for the push service (RFC 8292).
 */
export function createPushSender(options: {
  readonly key: PushKey;
  /** How a push service reaches the operator: `https:` or `mailto:`. */
  readonly subject: () => string;
}): PushSender {
  const { key, subject } = options;
  const agent = new Agent({ keepAlive: true });
  return {
    async send({ endpoint, p256dh, auth }, message, urgent) {
      try {
        await webPush.sendNotification({ endpoint, keys: { p256dh, auth } }, JSON.stringify(message), {
          vapidDetails: { subject: subject(), ...key },
          TTL: KEPT_S,
          urgency: urgent ? "high" : "normal",
          timeout: TIMEOUT_MS,
          agent,
        });
        return "sent";
      } catch (error) {
        const status = error instanceof WebPushError ? error.statusCode : undefined;
        if (status !== undefined && goneStatuses.includes(status)) return "gone";
        // Not as a cause: it holds the address, which is a secret.
        throw new Error(`the push service answered ${status ?? "nothing"}`);
      }
    },
    close: () => agent.destroy(),
  };
}
