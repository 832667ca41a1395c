import { create, toJson } from "@bufbuild/protobuf";
import { EventSchema } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import type { EventKind, OrganizationEvent } from "../organizations/event.ts";
import { eventMessage } from "../organizations/event-convert.ts";

/** What is sent: the id by which a receiver knows it again, and a body as Standard Webhooks proposes. */
export interface Message {
  readonly id: string;
  readonly body: string;
}

/** `patient`: by the organization's own id for them. */
export function messageOf(event: OrganizationEvent, patient: string): Message {
  const data = toJson(EventSchema, create(EventSchema, eventMessage(event, patient)));
  return { id: event.id, body: bodyOf(typeOf(event.kind), event.time, data) };
}

export function testMessage(id: string, endpoint: string, now: number): Message {
  return { id, body: bodyOf("webhook.test", now, { webhookEndpoint: endpoint }) };
}

/** `consent_granted` is `consent.granted`: what happened comes after the last underscore. */
function typeOf(kind: EventKind): string {
  return kind.replace(/_(?=[^_]+$)/, ".");
}

function bodyOf(type: string, time: number, data: unknown): string {
  return JSON.stringify({ type, timestamp: new Date(time).toISOString(), data });
}
