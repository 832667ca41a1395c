import { fromBinary } from "@bufbuild/protobuf";
import type { DeliveredEvent } from "@wellapi/events";
import { AccessNotedSchema } from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";
import {
  ConsentChangedSchema,
  ConsentRequestChangedSchema,
  DeletionObligationChangedSchema,
  RightsRequestChangedSchema,
} from "@wellapi/gen/wellapi/internal/consent/v1/consent_events_pb";
import type { Subject } from "./organizations/event.ts";
import type { ConsentEvent, Noted } from "./telling.ts";

/** What this service is told. */
export type Incoming = { readonly noted: Noted } | { readonly consent: ConsentEvent };

const consents = {
  "consent.consent.created": "consent_granted",
  "consent.consent.amended": "consent_changed",
  "consent.consent.revoked": "consent_revoked",
} as const;
const NOTED = "audit.access.noted";
const DELETION_ANSWERED = "consent.obligation.answered";
const OBLIGATIONS: readonly string[] = ["consent.obligation.created", DELETION_ANSWERED];
const ANSWERED = "consent.rights.answered";
const RIGHTS: readonly string[] = ["consent.rights.created", "consent.rights.withdrawn", ANSWERED];
const REQUESTED = "consent.request.created";

/** The events of which patients are told. */
export const consumed: readonly string[] = [
  NOTED,
  REQUESTED,
  ANSWERED,
  DELETION_ANSWERED,
  ...Object.keys(consents),
];

/** The events after which an organization may have to be told. */
export const followed: readonly string[] = [
  ...Object.keys(consents),
  REQUESTED,
  "consent.request.accepted",
  "consent.request.refused",
  "consent.request.withdrawn",
  ...OBLIGATIONS,
  ...RIGHTS,
];

/** What such an event is about. */
export function subjectOf({ subject, data }: DeliveredEvent): { readonly partition: string } & Subject {
  if (Object.hasOwn(consents, subject)) {
    const { partition, consent } = fromBinary(ConsentChangedSchema, data);
    return { partition, consent };
  }
  if (OBLIGATIONS.includes(subject)) {
    const { partition, deletionObligation } = fromBinary(DeletionObligationChangedSchema, data);
    return { partition, deletionObligation };
  }
  if (RIGHTS.includes(subject)) {
    const { partition, rightsRequest } = fromBinary(RightsRequestChangedSchema, data);
    return { partition, rightsRequest };
  }
  const { partition, consentRequest } = fromBinary(ConsentRequestChangedSchema, data);
  return { partition, consentRequest };
}

export function incomingOf({ subject, data, headers }: DeliveredEvent): Incoming {
  if (subject === NOTED) {
    const { partition, access, reads } = fromBinary(AccessNotedSchema, data);
    return { noted: { partition, access, reads } };
  }
  const time = Date.parse(headers["ce-time"] ?? "");
  if (!Number.isFinite(time)) throw new TypeError(`an event of ${subject} says no time`);
  if (subject === REQUESTED) {
    const { partition, consentRequest: id } = fromBinary(ConsentRequestChangedSchema, data);
    return { consent: { partition, became: "consent_requested", id, version: 0, time } };
  }
  if (subject === ANSWERED) {
    const { partition, rightsRequest: id } = fromBinary(RightsRequestChangedSchema, data);
    return { consent: { partition, became: "rights_answered", id, version: 0, time } };
  }
  if (subject === DELETION_ANSWERED) {
    const { partition, deletionObligation: id } = fromBinary(DeletionObligationChangedSchema, data);
    return { consent: { partition, became: "deletion_answered", id, version: 0, time } };
  }
  const { partition, consent: id, version } = fromBinary(ConsentChangedSchema, data);
  const became = consents[subject as keyof typeof consents];
  return { consent: { partition, became, id, version, time } };
}

export function partitionOf(event: DeliveredEvent): string {
  const incoming = incomingOf(event);
  return "noted" in incoming ? incoming.noted.partition : incoming.consent.partition;
}
