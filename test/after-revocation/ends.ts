import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Restriction_Ground, RightsRequestSchema } from "@wellapi/gen/wellapi/consent/v1/rights_request_pb";
import { RightsService } from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";

/** What a patient takes back, and from whom. */
export interface Given {
  readonly patient: Transport;
  readonly consent: string;
  /** The organization that reads. */
  readonly reader: string;
  /** The organization that contributed all that there is. */
  readonly contributor: string;
}

/** The ways in which a patient ends an organization's reads. Once one resolves, no read that begins gets anything. */
export const ends: Readonly<Record<string, (given: Given) => Promise<unknown>>> = {
  "the consent is revoked": ({ patient, consent }) =>
    createClient(ConsentService, patient).revokeConsent({ consent }),
  "all reads are denied": (given) => deny(given, []),
  "the contributor's data is denied": (given) => deny(given, [given.contributor]),
  "a restriction is demanded": ({ patient, reader }) =>
    demand(patient, reader, {
      case: "restriction",
      value: { ground: Restriction_Ground.UNLAWFUL, categories: [] },
    }),
  "an objection is made": ({ patient, reader }) =>
    demand(patient, reader, { case: "objection", value: { purpose: Purpose.TREATMENT } }),
};

function deny({ patient, reader }: Given, organizations: string[]) {
  const provision = {
    effect: Provision_Effect.DENY,
    directions: [Direction.READ],
    categories: [{ name: "heart" }, { name: "body" }],
    ...(organizations.length > 0 && { sources: { organizations } }),
  };
  return createClient(ConsentService, patient).createConsent({
    requestId: randomUUID(),
    consent: { grantee: reader, provisions: [provision] },
  });
}

type Right = NonNullable<Parameters<typeof create<typeof RightsRequestSchema>>[1]>;

function demand(
  patient: Transport,
  organization: string,
  right: Exclude<Right, { $typeName: string }>["right"],
) {
  return createClient(RightsService, patient).createRightsRequest({
    requestId: randomUUID(),
    rightsRequest: create(RightsRequestSchema, { organization, right: right! }),
  });
}
