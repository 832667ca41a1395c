import type { DescField } from "@bufbuild/protobuf";
import {
  Event_KindSchema,
  EventSchema,
  Event_Kind as Kind,
} from "@wellapi/gen/wellapi/notices/v1/event_service_pb";

/**
 * What the body of a delivery looks like, as JSON: what the page knows of it, and in angle brackets what only the receiver is told, the
 * patient above all. Undefined where the organization may not know of the event any more, or this page is older than the kind.
 */
export function webhookBodyShape(delivery: {
  readonly event: string;
  readonly kind: Kind;
}): string | undefined {
  const { event, kind } = delivery;
  const name = Event_KindSchema.value[kind]?.name;
  if (kind === Kind.UNSPECIFIED || name === undefined) return undefined;
  const subject = subjectOf(name);
  const data = {
    id: event,
    kind: name,
    eventTime: "<time>",
    sequence: "<number>",
    patient: "<pat_...>",
    ...(subject !== undefined && { [subject.jsonName]: `<${subject.jsonName}>` }),
    ...(withVersion.has(name) && { consentVersion: "<number>" }),
  };
  return JSON.stringify({ type: typeOf(name), timestamp: "<time>", data }, undefined, 2);
}

/** A consent that ends has no new version. */
const withVersion: ReadonlySet<string> = new Set([
  "KIND_CONSENT_GRANTED",
  "KIND_CONSENT_CHANGED",
  "KIND_CONSENT_REVOKED",
]);

const prefix = "KIND_";

/** `KIND_CONSENT_REQUEST_REFUSED` is of the field `consent_request`, not `consent`: the longest name counts. */
function subjectOf(name: string): DescField | undefined {
  const about = name.slice(prefix.length).toLowerCase();
  return EventSchema.fields
    .filter((field) => about.startsWith(`${field.name}_`))
    .sort((a, b) => b.name.length - a.name.length)[0];
}

/** `consent.granted`: what happened comes after the last underscore. */
function typeOf(name: string): string {
  return name
    .slice(prefix.length)
    .toLowerCase()
    .replace(/_(?=[^_]+$)/, ".");
}
