import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Event_Kind as Kind } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import {
  WebhookAttempt_Outcome as Outcome,
  WebhookEndpoint_DisableReason as Reason,
  WebhookDelivery_State as State,
  type WebhookAttemptSchema,
  type WebhookDeliverySchema,
  type WebhookEndpoint,
  type WebhookEndpointSchema,
  WebhookEndpoint_State as Whether,
} from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { type EventKind, eventKinds } from "../organizations/event.ts";
import { kindMessages } from "../organizations/event-convert.ts";
import type { Attempt, AttemptOutcome, DeliveryState } from "./attempt.ts";
import { type DisableReason, type Endpoint, type EndpointState, secretsInForce } from "./endpoint.ts";
import type { KeptEndpoint } from "./endpoint-repository.ts";
import type { WebhookDeliveryDocument } from "./webhook-documents.ts";

const states: Readonly<Record<EndpointState, Whether>> = {
  enabled: Whether.ENABLED,
  paused: Whether.PAUSED,
  disabled: Whether.DISABLED,
};

/** What an organization may ask for. */
const settable: ReadonlyMap<Whether, EndpointState> = new Map([
  [Whether.ENABLED, "enabled"],
  [Whether.PAUSED, "paused"],
]);

const reasons: Readonly<Record<DisableReason, Reason>> = {
  failing: Reason.FAILING,
  gone: Reason.GONE,
  events_missed: Reason.EVENTS_MISSED,
};

const outcomes: Readonly<Record<AttemptOutcome, Outcome>> = {
  taken: Outcome.TAKEN,
  refused: Outcome.REFUSED,
  redirected: Outcome.REDIRECTED,
  timed_out: Outcome.TIMED_OUT,
  not_connected: Outcome.NOT_CONNECTED,
  address_refused: Outcome.ADDRESS_REFUSED,
};

const deliveryStates: Readonly<Record<DeliveryState, State>> = {
  waiting: State.WAITING,
  delivered: State.DELIVERED,
  failed: State.FAILED,
  withheld: State.WITHHELD,
};

export function endpointMessage(
  endpoint: KeptEndpoint,
  now: number,
): MessageInitShape<typeof WebhookEndpointSchema> {
  const { id, url, description, kinds, state, disableReason, createTime, failingSince, version } = endpoint;
  const before = secretsInForce(endpoint, now)[1]?.expireTime;
  return {
    id,
    url,
    description,
    kinds: kinds.map((kind) => kindMessages[kind]),
    state: states[state],
    disableReason: disableReason === undefined ? Reason.UNSPECIFIED : reasons[disableReason],
    createTime: timestampFromMs(createTime),
    ...(failingSince !== undefined && { failingSinceTime: timestampFromMs(failingSince) }),
    ...(before !== undefined && { previousSecretExpireTime: timestampFromMs(before) }),
    etag: etagOf(version),
  };
}

export function etagOf(version: number): string {
  return `v${version}`;
}

/** The endpoint with the named fields of the message instead of its own. */
export function withFields(before: Endpoint, asked: WebhookEndpoint, fields: ReadonlySet<string>): Endpoint {
  const { disableReason, ...kept } = before;
  const state = fields.has("state") ? settable.get(asked.state) : undefined;
  return {
    ...kept,
    ...(state === undefined && disableReason !== undefined && { disableReason }),
    ...(fields.has("url") && { url: asked.url }),
    ...(fields.has("description") && { description: asked.description }),
    ...(fields.has("kinds") && { kinds: kindsOf(asked.kinds) }),
    ...(state !== undefined && { state }),
  };
}

export function kindsOf(kinds: readonly Kind[]): readonly EventKind[] {
  return eventKinds.filter((kind) => kinds.includes(kindMessages[kind]));
}

export function attemptMessage(attempt: Attempt): MessageInitShape<typeof WebhookAttemptSchema> {
  const { time, outcome, status, latency, type, bytes } = attempt;
  return {
    time: timestampFromMs(time),
    outcome: outcomes[outcome],
    statusCode: status,
    latency: durationFromMs(latency),
    answerType: type,
    answerBytes: bytes,
  };
}

/** `kind`: undefined where the organization may not know it. */
export function deliveryMessage(
  document: WebhookDeliveryDocument,
  kind: EventKind | undefined,
): MessageInitShape<typeof WebhookDeliverySchema> {
  const { event, create_time: createTime, state, attempt_count: attemptCount, attempts, due_time } = document;
  return {
    event,
    ...(kind !== undefined && { kind: kindMessages[kind] }),
    createTime: timestampFromMs(createTime),
    state: deliveryStates[state],
    attemptCount,
    attempts: attempts.map(attemptMessage),
    ...(state === "waiting" && { nextAttemptTime: timestampFromMs(due_time) }),
  };
}

/** Undefined: any. */
export function stateOf(message: State): DeliveryState | undefined {
  const known = Object.entries(deliveryStates) as [DeliveryState, State][];
  return known.find(([, state]) => state === message)?.[0];
}
