import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type ConsentSchema, Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  type ConsentRequest,
  ConsentRequestSchema,
} from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { acceptanceOf, type Choice, wholeOf } from "./request-choice.ts";

/** What patients give something for of their own accord. */
export const ownPurposes: readonly Purpose[] = [
  Purpose.TREATMENT,
  Purpose.PATIENT_REQUEST,
  Purpose.FAMILY_REQUEST,
  Purpose.RESEARCH,
];
/** Days from now after which it may end by itself. */
export const ownDays: readonly number[] = [7, 30, 90, 365];

/** All that could be given, as if the organization had asked for it: the patient chooses from it as from a request. */
export function offerOf(grantee: string, categories: readonly string[], purpose: Purpose): ConsentRequest {
  const provision = {
    effect: Provision_Effect.PERMIT,
    directions: [Direction.READ],
    categories: categories.map((name) => ({ name })),
    purposes: [purpose],
    resolution: Resolution.RAW,
  };
  return create(ConsentRequestSchema, { organization: grantee, provisions: [provision] });
}

/** What is chosen at first: nothing, so that nothing is given that was not ticked. */
export function nothingOf(offer: ConsentRequest): Choice {
  return { ...wholeOf(offer), categories: offer.provisions.map(() => new Set()) };
}

/** What `CreateConsent` is told; undefined where nothing is chosen. */
export function grantOf(
  offer: ConsentRequest,
  choice: Choice,
  now: number,
): MessageInitShape<typeof ConsentSchema> | undefined {
  const accepted = acceptanceOf(offer, choice, now);
  if (accepted === undefined) return undefined;
  const { provisions, validity } = accepted;
  return {
    grantee: offer.organization,
    provisions: provisions.length === 0 ? offer.provisions : provisions,
    ...(validity && { validity }),
  };
}
