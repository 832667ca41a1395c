import { Agent, request } from "node:https";
import webPush, { type RequestDetails } from "web-push";
import type { PushKey } from "./push-keys.ts";
import type { PushSubscription } from "./push-subscription.ts";

/** What the push service says of a message. `gone`: the browser has no such subscription any more. */
export type PushOutcome = "sent" | "gone";

export interface PushSender {
  /** Resolves once the push service has it. Throws where it should be tried again; the error names nobody. */
  send(subscription: PushSubscription, message: object, urgent: boolean): Promise<PushOutcome>;
  close(): void;
}

/** Connection, request and answer together. */
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
  readonly timeoutMs?: number;
}): PushSender {
  const { key, subject, timeoutMs = TIMEOUT_MS } = options;
  const agent = new Agent({ keepAlive: true });
  return {
    async send({ endpoint, p256dh, auth }, message, urgent) {
      const keys = { p256dh, auth };
      const details = webPush.generateRequestDetails({ endpoint, keys }, JSON.stringify(message), {
        vapidDetails: { subject: subject(), ...key },
        TTL: KEPT_S,
        urgency: urgent ? "high" : "normal",
      });
      // Its error is no cause: it holds the address, which is a secret.
      const status = await post(details, agent, timeoutMs).catch(() => undefined);
      if (status !== undefined && status >= 200 && status < 300) return "sent";
      if (status !== undefined && goneStatuses.includes(status)) return "gone";
      throw new Error(`the push service answered ${status ?? "nothing"}`);
    },
    close: () => agent.destroy(),
  };
}

/** Not by `sendNotification`, whose timeout counts silence alone: a push service that is never silent would be waited for without end. */
function post(
  { endpoint, method, headers, body }: RequestDetails,
  agent: Agent,
  ms: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(endpoint, { method, headers, agent, signal: AbortSignal.timeout(ms) });
    sent.on("error", reject);
    sent.on("response", (response) => {
      // What it says is not wanted; read to its end, the connection serves again.
      response.on("error", reject).resume();
      resolve(response.statusCode ?? 0);
    });
    sent.end(body);
  });
}
