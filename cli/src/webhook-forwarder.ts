import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { toJson } from "@bufbuild/protobuf";
import {
  type Event,
  EventSchema,
  Event_Kind as Kind,
} from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { Webhook } from "standardwebhooks";
import { CliError } from "./failure.ts";
import { timeText } from "./output.ts";

/** The pauses between the tries of one event, in milliseconds. */
const pausesMs = [200, 1_000, 3_000, 10_000];
const TIMEOUT_MS = 10_000;

const types: Readonly<Record<Kind, string>> = {
  [Kind.UNSPECIFIED]: "unknown",
  [Kind.CONSENT_GRANTED]: "consent.granted",
  [Kind.CONSENT_CHANGED]: "consent.changed",
  [Kind.CONSENT_REVOKED]: "consent.revoked",
  [Kind.CONSENT_ENDED]: "consent.ended",
  [Kind.CONSENT_REQUEST_ACCEPTED]: "consent_request.accepted",
  [Kind.CONSENT_REQUEST_REFUSED]: "consent_request.refused",
  [Kind.CONSENT_REQUEST_LAPSED]: "consent_request.lapsed",
  [Kind.DELETION_OBLIGATION_CREATED]: "deletion_obligation.created",
  [Kind.DELETION_OBLIGATION_OVERDUE]: "deletion_obligation.overdue",
  [Kind.RIGHTS_REQUEST_CREATED]: "rights_request.created",
  [Kind.RIGHTS_REQUEST_WITHDRAWN]: "rights_request.withdrawn",
  [Kind.RIGHTS_REQUEST_OVERDUE]: "rights_request.overdue",
};

/** The kinds of events by their names. */
export const eventTypes: Readonly<Record<string, Kind>> = Object.fromEntries(
  Object.entries(types).flatMap(([kind, type]) => (type === "unknown" ? [] : [[type, Number(kind) as Kind]])),
);

/** What happened, as webhooks name it: `consent.granted`. */
export function typeOf({ kind }: Pick<Event, "kind">): string {
  return types[kind] ?? types[Kind.UNSPECIFIED];
}

/** Hands events to a receiver of webhooks on the developer's machine (Standard Webhooks 1.0, symmetric signatures). */
export interface WebhookForwarder {
  /** With it the receiver verifies, `whsec_...`. */
  readonly secret: string;
  /** Resolves to the status of the receiver's answer that took it, else to why it was given up after five tries. */
  forward(event: Event, signal: AbortSignal): Promise<{ readonly taken: boolean; readonly said: string }>;
}

/** Throws CliError `usage` for an address to which nothing is sent in clear, or no secret of the form. */
export function createWebhookForwarder(
  url: string,
  {
    secret = `whsec_${randomBytes(24).toString("base64")}`,
    now = Date.now,
  }: { secret?: string; now?: () => number } = {},
): WebhookForwarder {
  const target = targetOf(url);
  const webhook = webhookOf(secret);

  async function attempt(event: Event, body: string, signal: AbortSignal): Promise<number> {
    const sentAt = new Date(now());
    const answer = await fetch(target, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "webhook-id": event.id,
        "webhook-timestamp": String(Math.floor(sentAt.getTime() / 1_000)),
        "webhook-signature": webhook.sign(event.id, sentAt, body),
      },
      body,
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await answer.body?.cancel();
    return answer.status;
  }

  return {
    secret,
    async forward(event, signal) {
      const body = bodyOf(event);
      let said = "";
      for (const pause of [0, ...pausesMs]) {
        await delay(pause, undefined, { signal });
        try {
          const status = await attempt(event, body, signal);
          said = String(status);
          if (status >= 200 && status < 300) return { taken: true, said };
        } catch (error) {
          if (signal.aborted) throw error;
          said = reasonOf(error);
        }
      }
      return { taken: false, said };
    },
  };
}

/** As Standard Webhooks proposes: `type`, `timestamp`, `data`. */
function bodyOf(event: Event): string {
  const data = toJson(EventSchema, event);
  return JSON.stringify({ type: typeOf(event), timestamp: timeText(event.eventTime), data });
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

function targetOf(url: string): URL {
  const target = URL.parse(url);
  const { protocol, hostname, username = "", password = "" } = target ?? {};
  const isSafe = protocol === "https:" || (protocol === "http:" && loopback.test(hostname ?? ""));
  if (target && isSafe && username === "" && password === "") return target;
  const message =
    "--forward-to: use https://..., or http:// and an address of this machine such as http://localhost:3000/hook";
  throw new CliError("usage", message);
}

function webhookOf(secret: string): Webhook {
  const isSecret = /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/.test(secret);
  if (isSecret) return new Webhook(secret);
  throw new CliError(
    "usage",
    "WELLAPI_WEBHOOK_SECRET: use whsec_ and 24 to 64 bytes in base64, or leave it out",
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
