import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Company, Person } from "./people.ts";

type Grantee = Pick<Company, "organization">;

/** Raw data of these categories: to contribute, or to read for treatment. */
export function consentFor(
  { organization }: Grantee,
  direction: Direction,
  categories: readonly string[] = ["heart"],
) {
  return {
    grantee: organization,
    provisions: [
      {
        effect: Provision_Effect.PERMIT,
        directions: [direction],
        categories: categories.map((name) => ({ name })),
        purposes: direction === Direction.READ ? [Purpose.TREATMENT] : [],
        resolution: Resolution.RAW,
      },
    ],
  };
}

/** Grants `consentFor`; the new consent's id. */
export async function grant(
  person: Pick<Person, "transport">,
  grantee: Grantee,
  direction: Direction,
  categories?: readonly string[],
): Promise<string> {
  const { consent } = await createClient(ConsentService, person.transport).createConsent({
    requestId: randomUUID(),
    consent: consentFor(grantee, direction, categories),
  });
  return consent!.id;
}
