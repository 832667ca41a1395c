import { ConnectError } from "@connectrpc/connect";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";

/** A permission to read hourly heart data, as a client writes it. */
export const reading = {
  effect: Provision_Effect.PERMIT,
  directions: [Direction.READ],
  categories: [{ name: "heart", version: 0 }],
  purposes: [Purpose.TREATMENT],
  resolution: Resolution.HOURLY,
};
export const denial = {
  effect: Provision_Effect.DENY,
  directions: [Direction.READ],
  categories: [{ name: "heart", version: 0 }],
};
export const wanted = {
  grantee: "org_clinic",
  provisions: [reading],
  notice: { uri: "https://clinic.example/notice", language: "de-CH", sha256: "a".repeat(64) },
};

/** What a caller is told of a failure. */
export async function problem(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => ConnectError.from(cause),
  );
  return error && problemOf(error);
}
