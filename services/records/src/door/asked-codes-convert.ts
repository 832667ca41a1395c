import { SampleOrigin } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { Coding } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { invalidField } from "../errors.ts";
import type { SampleKinds } from "../read/query-series.ts";

interface Asked {
  readonly code?: Coding | undefined;
  readonly codes: readonly Coding[];
}

/** The one code that a request has to name. Throws INVALID_FIELD. */
export function oneCode({ code, codes }: Asked): Coding {
  if (codes.length > 0)
    throw invalidField("codes", "needs an order by day: one code comes series after series");
  if (code === undefined) throw invalidField("code", "is needed, unless order is by day");
  return code;
}

/** The codes that a request names; undefined where it asks for all. Throws INVALID_FIELD. */
export function severalCodes({ code, codes }: Asked): readonly Coding[] | undefined {
  if (code !== undefined && codes.length > 0)
    throw invalidField("codes", "is instead of code: send one of them");
  if (code !== undefined) return [code];
  return codes.length === 0 ? undefined : codes;
}

export function kindsOf(origin: SampleOrigin): SampleKinds {
  return {
    series: origin !== SampleOrigin.OBSERVATION,
    observations: origin !== SampleOrigin.SERIES,
  };
}
