import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  ConsentChangedSchema,
  ConsentRequestChangedSchema,
} from "@wellapi/gen/wellapi/internal/consent/v1/consent_events_pb";
import type { OutboxEvent } from "@wellapi/store";
import type { Revision } from "./consent-documents.ts";

/** Subjects of this service's events. */
export const subjects = "consent.>";

/** Says that a consent has a new version. References only; the subject names no person. */
export function consentChanged(partition: string, { consent, replacedEtag, time }: Revision): OutboxEvent {
  const { id, version, revokeTime } = consent;
  const became = revokeTime !== undefined ? "revoked" : replacedEtag === "" ? "created" : "amended";
  return event(`consent.consent.${became}`, `${id}.${version}`, time, ConsentChangedSchema, {
    partition,
    consent: id,
    version,
  });
}

/** Says that a request for consent was made or decided. */
export function requestChanged(
  partition: string,
  request: string,
  became: "created" | "accepted" | "refused" | "withdrawn",
  time: number,
): OutboxEvent {
  return event(`consent.request.${became}`, `${request}.${became}`, time, ConsentRequestChangedSchema, {
    partition,
    consentRequest: request,
  });
}

function event<D extends DescMessage>(
  subject: string,
  id: string,
  time: number,
  schema: D,
  content: MessageInitShape<D>,
): OutboxEvent {
  return {
    id,
    subject,
    data: toBinary(schema, create(schema, content)),
    headers: {
      "ce-specversion": "1.0",
      "ce-id": id,
      "ce-type": schema.typeName,
      "ce-source": "/wellapi/consent",
      "ce-time": new Date(time).toISOString(),
      "content-type": "application/protobuf",
    },
  };
}
