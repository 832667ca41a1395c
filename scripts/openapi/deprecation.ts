import type { Deprecation } from "../../gen/wellapi/type/v1/deprecation_pb.js";
import { given, type JsonSchema } from "./rules.ts";

/** What the contract says of something that is to go; nothing of what is not. */
export function deprecationOf(terms: Deprecation | undefined): JsonSchema {
  if (terms === undefined) return {};
  const { since, sunset, instead } = terms;
  return { deprecated: true, "x-deprecation": given({ since, sunset, instead: instead || undefined }) };
}
