import { create, toBinary } from "@bufbuild/protobuf";
import { AccessNotedSchema } from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";
import type { OutboxEvent } from "@wellapi/store";
import type { NotedAccess } from "./noted-access.ts";

export const ACCESS_NOTED = "audit.access.noted";

/** References only; neither the id nor the subject names a person. `tagOf`: a MAC of the text. */
export function accessNoted(
  { partition, access, timeMs, reads, sameAs }: NotedAccess,
  tagOf: (text: string) => string,
): OutboxEvent {
  const id = `noted.${tagOf(sameAs)}`;
  return {
    id,
    subject: ACCESS_NOTED,
    data: toBinary(
      AccessNotedSchema,
      create(AccessNotedSchema, { partition, access, timeMs: BigInt(timeMs), reads }),
    ),
    headers: {
      "ce-specversion": "1.0",
      "ce-id": id,
      "ce-type": "wellapi.internal.audit.v1.AccessNoted",
      "ce-source": "/wellapi/audit",
      "ce-time": new Date(timeMs).toISOString(),
      "content-type": "application/protobuf",
    },
  };
}
