import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { PolicyMistake } from "@wellapi/gen/wellapi/identity/v1/policy_service_pb";
import type { RestrictionMistake } from "@wellapi/policy";
import type { Policy } from "./policy.ts";

export function toPolicyMessage(organization: string, { id, reason, text, createTime }: Policy) {
  return { id, organization, reason, text, createTime: timestampFromMs(createTime) };
}

export function toMistakeMessage({
  message,
  help = "",
  line = 0,
}: RestrictionMistake): Omit<PolicyMistake, "$typeName" | "$unknown"> {
  return { message, help, line };
}
