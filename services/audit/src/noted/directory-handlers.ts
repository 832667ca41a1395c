import { fromBinary } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import type { AccessDirectoryService } from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";
import { NONCE_BYTES } from "@wellapi/log-verifier";
import type { AccessReader } from "../access-reader.ts";

/** What the service that tells patients asks of the log. */
export function createDirectoryHandlers(
  reader: Pick<AccessReader, "get">,
): ServiceImpl<typeof AccessDirectoryService> {
  return {
    async lookupAccess({ partition, access }) {
      const { secret } = await reader.get({ kind: "partition", partition }, access);
      return secret === undefined ? {} : { access: fromBinary(AccessSchema, secret.subarray(NONCE_BYTES)) };
    },
  };
}
