import { Actor_Kind } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Caller, partyOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";

const kinds = {
  anonymous: Actor_Kind.UNSPECIFIED,
  application: Actor_Kind.APPLICATION,
  patient: Actor_Kind.PATIENT,
  operator: Actor_Kind.OPERATOR,
  service: Actor_Kind.SERVICE,
  guardian: Actor_Kind.GUARDIAN,
  clinician: Actor_Kind.CLINICIAN,
} as const;

/** Who acts, as an entry names them: a patient by the id that the caller's party has for them. */
export function actorOf(
  caller: Caller,
  pairwise: Pairwise,
): { readonly kind: Actor_Kind; readonly id: string } {
  const { kind, id } = caller.principal.actor ?? caller.principal;
  return { kind: kinds[kind], id: kind === "patient" ? pairwise.outward(partyOf(caller), id) : id };
}
