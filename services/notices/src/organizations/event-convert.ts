import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type EventSchema, Event_Kind as Kind } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import type { EventKind, OrganizationEvent } from "./event.ts";

export const kindMessages: Readonly<Record<EventKind, Kind>> = {
  consent_granted: Kind.CONSENT_GRANTED,
  consent_changed: Kind.CONSENT_CHANGED,
  consent_revoked: Kind.CONSENT_REVOKED,
  consent_ended: Kind.CONSENT_ENDED,
  consent_request_accepted: Kind.CONSENT_REQUEST_ACCEPTED,
  consent_request_refused: Kind.CONSENT_REQUEST_REFUSED,
  consent_request_lapsed: Kind.CONSENT_REQUEST_LAPSED,
  deletion_obligation_created: Kind.DELETION_OBLIGATION_CREATED,
  deletion_obligation_overdue: Kind.DELETION_OBLIGATION_OVERDUE,
  rights_request_created: Kind.RIGHTS_REQUEST_CREATED,
  rights_request_withdrawn: Kind.RIGHTS_REQUEST_WITHDRAWN,
  rights_request_overdue: Kind.RIGHTS_REQUEST_OVERDUE,
};

/** `patient`: by the organization's own id for them. */
export function eventMessage(
  event: OrganizationEvent,
  patient: string,
): MessageInitShape<typeof EventSchema> {
  const { id, kind, time, sequence, version } = event;
  const { consent = "", consentRequest = "", deletionObligation = "", rightsRequest = "" } = event;
  return {
    id,
    kind: kindMessages[kind],
    eventTime: timestampFromMs(time),
    sequence: BigInt(sequence),
    patient,
    consent,
    consentVersion: version,
    consentRequest,
    deletionObligation,
    rightsRequest,
  };
}
