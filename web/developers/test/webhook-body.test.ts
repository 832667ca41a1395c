import { Event_Kind as Kind } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { expect, test } from "vitest";
import type { EventKind } from "../../../services/notices/src/organizations/event.ts";
import { kindMessages } from "../../../services/notices/src/organizations/event-convert.ts";
import { messageOf } from "../../../services/notices/src/webhooks/message-convert.ts";
import { webhookBodyShape } from "../app/webhook-body.ts";

/** What an event of the kind is about, as the exchange tells it. */
const about: Readonly<Record<EventKind, object>> = {
  consent_granted: { consent: "con_1", version: 1 },
  consent_changed: { consent: "con_1", version: 2 },
  consent_revoked: { consent: "con_1", version: 2 },
  consent_ended: { consent: "con_1", version: 0 },
  consent_request_accepted: { consentRequest: "crq_1", version: 0 },
  consent_request_refused: { consentRequest: "crq_1", version: 0 },
  consent_request_lapsed: { consentRequest: "crq_1", version: 0 },
  deletion_obligation_created: { deletionObligation: "obl_1", version: 0 },
  deletion_obligation_overdue: { deletionObligation: "obl_1", version: 0 },
  rights_request_created: { rightsRequest: "rrq_1", version: 0 },
  rights_request_withdrawn: { rightsRequest: "rrq_1", version: 0 },
  rights_request_overdue: { rightsRequest: "rrq_1", version: 0 },
};

test.each(Object.entries(about))(
  "the body of %s is shown as it is sent, without the patient",
  (name, facts) => {
    const kind = name as EventKind;
    const event = { id: "evt_1", kind, time: 1, sequence: 1, patient: "local/pat_1", ...facts };
    const sent = JSON.parse(messageOf(event as never, "pat_2").body);
    const shown = webhookBodyShape({ event: "evt_1", kind: kindMessages[kind] })!;
    expect(shown).not.toMatch(/pat_\w/);
    const shape = JSON.parse(shown);
    expect(shape.type).toBe(sent.type);
    expect(Object.keys(shape)).toEqual(Object.keys(sent));
    expect(Object.keys(shape.data).sort()).toEqual(Object.keys(sent.data).sort());
    expect(shape.data).toMatchObject({ id: "evt_1", kind: sent.data.kind });
  },
);

test("of an event that the organization may not know of any more no body is shown", () => {
  expect(webhookBodyShape({ event: "evt_1", kind: Kind.UNSPECIFIED })).toBeUndefined();
});
