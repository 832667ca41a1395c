import { cloudEvent } from "@wellapi/events/cloud-event";
import {
  ConsentChangedSchema,
  ConsentRequestChangedSchema,
  DeletionObligationChangedSchema,
  RightsRequestChangedSchema,
} from "@wellapi/gen/wellapi/internal/consent/v1/consent_events_pb";
import type { OutboxEvent } from "@wellapi/store";
import type { Revision } from "./consent-documents.ts";

/** Subjects of this service's events. */
export const subjects = "consent.>";

const source = "/wellapi/consent";

/** Says that a consent has a new version. References only; the subject names no person. */
export function consentChanged(partition: string, { consent, replacedEtag, time }: Revision): OutboxEvent {
  const { id, version, revokeTime } = consent;
  const became = revokeTime !== undefined ? "revoked" : replacedEtag === "" ? "created" : "amended";
  const content = { partition, consent: id, version };
  return cloudEvent(ConsentChangedSchema, content, {
    id: `${id}.${version}`,
    subject: `consent.consent.${became}`,
    source,
    time,
  });
}

/** Says that a request for consent was made or decided. */
export function requestChanged(
  partition: string,
  request: string,
  became: "created" | "accepted" | "refused" | "withdrawn",
  time: number,
): OutboxEvent {
  const content = { partition, consentRequest: request };
  return cloudEvent(ConsentRequestChangedSchema, content, {
    id: `${request}.${became}`,
    subject: `consent.request.${became}`,
    source,
    time,
  });
}

/** Says that an organization got an obligation to delete, or answered one. `number`: which of its answers. */
export function obligationChanged(
  partition: string,
  obligation: string,
  became: "created" | "answered",
  time: number,
  number = 0,
): OutboxEvent {
  const content = { partition, deletionObligation: obligation };
  return cloudEvent(DeletionObligationChangedSchema, content, {
    id: number === 0 ? `${obligation}.${became}` : `${obligation}.${became}.${number}`,
    subject: `consent.obligation.${became}`,
    source,
    time,
  });
}

/** Says that a patient used a right, or took that back, or that the organization answered. `number`: which of its answers. */
export function rightsChanged(
  partition: string,
  request: string,
  became: "created" | "withdrawn" | "answered",
  time: number,
  number = 0,
): OutboxEvent {
  const content = { partition, rightsRequest: request };
  return cloudEvent(RightsRequestChangedSchema, content, {
    id: number === 0 ? `${request}.${became}` : `${request}.${became}.${number}`,
    subject: `consent.rights.${became}`,
    source,
    time,
  });
}
