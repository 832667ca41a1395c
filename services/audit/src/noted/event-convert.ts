import { cloudEvent } from "@wellapi/events/cloud-event";
import { AccessNotedSchema } from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";
import type { OutboxEvent } from "@wellapi/store";
import type { NotedAccess } from "./noted-access.ts";

export const ACCESS_NOTED = "audit.access.noted";

/** References only; neither the id nor the subject names a person. `tagOf`: a MAC of the text. */
export function accessNoted(
  { partition, access, timeMs, reads, sameAs }: NotedAccess,
  tagOf: (text: string) => string,
): OutboxEvent {
  const content = { partition, access, timeMs: BigInt(timeMs), reads };
  const id = `noted.${tagOf(sameAs)}`;
  return cloudEvent(AccessNotedSchema, content, {
    id,
    subject: ACCESS_NOTED,
    source: "/wellapi/audit",
    time: timeMs,
  });
}
