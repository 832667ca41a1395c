import { fromBinary } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import type { AccessDirectoryService } from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";
import { NONCE_BYTES } from "@wellapi/log-verifier";
import type { Terminology } from "@wellapi/terminology";
import type { AccessReader } from "../access-reader.ts";
import { intervalMessage, toInterval } from "../convert.ts";
import { lookThrough } from "../disclosures/disclosed-accesses.ts";
import { disclosuresOf } from "../disclosures/disclosure.ts";
import { disclosedCategoryMessage } from "../disclosures/disclosure-convert.ts";

/** What services that tell patients, or oblige organizations, ask of the log. */
export function createDirectoryHandlers({
  reader,
  terminology,
}: {
  readonly reader: Pick<AccessReader, "get" | "contents">;
  readonly terminology: Terminology;
}): ServiceImpl<typeof AccessDirectoryService> {
  return {
    async describeReceived({ partition, organization, consent: id, interval }) {
      const asked = { partition, organization, interval: toInterval(interval), shown: () => true };
      const { reads, interval: covered } = await lookThrough(reader, asked);
      const [received] = disclosuresOf(
        reads,
        terminology.categoriesOf,
        ({ deIdentified, consents }) => !deIdentified && consents.some(({ consent }) => consent === id),
      );
      return {
        categories: (received?.categories ?? []).map(disclosedCategoryMessage),
        interval: intervalMessage(covered),
      };
    },
    async lookupAccess({ partition, access }) {
      const { secret } = await reader.get({ kind: "partition", partition }, access);
      return secret === undefined ? {} : { access: fromBinary(AccessSchema, secret.subarray(NONCE_BYTES)) };
    },
  };
}
