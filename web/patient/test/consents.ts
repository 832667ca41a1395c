import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Consent,
  Consent_State,
  ConsentSchema,
  Provision_Effect,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";

export type ConsentInit = Exclude<MessageInitShape<typeof ConsentSchema>, Consent>;

/** In force for a clinic, unless it says otherwise. */
export function consent(more: ConsentInit): Consent {
  const usual: ConsentInit = {
    grantee: "org_clinic",
    state: Consent_State.ACTIVE,
    createTime: { seconds: 1_000n, nanos: 0 },
  };
  return create(ConsentSchema, { ...usual, ...more } as ConsentInit);
}

export const permit = (categories: readonly string[], direction = Direction.READ) => ({
  effect: Provision_Effect.PERMIT,
  directions: [direction],
  categories: categories.map((name) => ({ name })),
  purposes: direction === Direction.READ ? [Purpose.TREATMENT] : [],
  resolution: Resolution.RAW,
});

export const deny = (categories: readonly string[], more: object = {}) => ({
  ...permit(categories),
  effect: Provision_Effect.DENY,
  purposes: [],
  resolution: Resolution.UNSPECIFIED,
  ...more,
});
