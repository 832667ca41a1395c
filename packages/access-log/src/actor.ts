import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Actor_Kind, ActorSchema } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Caller, partyOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";

const kinds = {
  anonymous: Actor_Kind.UNSPECIFIED,
  application: Actor_Kind.APPLICATION,
  patient: Actor_Kind.PATIENT,
  operator: Actor_Kind.OPERATOR,
  service: Actor_Kind.SERVICE,
  person: Actor_Kind.PERSON,
  member: Actor_Kind.MEMBER,
  guardian: Actor_Kind.GUARDIAN,
  carer: Actor_Kind.CARER,
  representative: Actor_Kind.REPRESENTATIVE,
  clinician: Actor_Kind.CLINICIAN,
} as const;

interface Named {
  readonly kind: Actor_Kind;
  readonly id: string;
}

/**
 * The actor of an entry, and on whose behalf it acts if that is another party: a patient appears under the id that the
 * caller's party has for them.
 */
export function actorOf(caller: Caller, pairwise: Pairwise): MessageInitShape<typeof ActorSchema> {
  const { principal } = caller;
  const named = ({ kind, id }: { readonly kind: keyof typeof kinds; readonly id: string }): Named => {
    return { kind: kinds[kind], id: kind === "patient" ? pairwise.outward(partyOf(caller), id) : id };
  };
  if (principal.actor === undefined) return named(principal);
  const onBehalfOf = create(ActorSchema, named(principal));
  return { ...named(principal.actor), onBehalfOf };
}
