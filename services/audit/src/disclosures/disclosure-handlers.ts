import type { ServiceImpl } from "@connectrpc/connect";
import type { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { callerKey } from "@wellapi/rpc";
import type { Terminology } from "@wellapi/terminology";
import { scopeOf } from "../access.ts";
import type { AccessReader } from "../access-reader.ts";
import { intervalMessage, toInterval } from "../convert.ts";
import { callerNotPermitted } from "../errors.ts";
import { shownTo } from "../own-care.ts";
import { lookThrough } from "./disclosed-accesses.ts";
import { disclosuresOf } from "./disclosure.ts";
import { disclosureMessage } from "./disclosure-convert.ts";

/** What organizations read of the calling patient. */
export function createDisclosureHandlers(deps: {
  readonly reader: Pick<AccessReader, "contents">;
  readonly terminology: Terminology;
}): Pick<ServiceImpl<typeof AuditService>, "aggregateDisclosures"> {
  const { reader, terminology } = deps;
  return {
    async aggregateDisclosures({ interval, organization }, context) {
      const { principal } = context.values.get(callerKey);
      const scope = scopeOf(principal);
      if (principal.kind !== "patient" || scope?.kind !== "partition") throw callerNotPermitted();
      const found = await lookThrough(reader, {
        partition: scope.partition,
        interval: toInterval(interval),
        organization: organization === "" ? undefined : organization,
        shown: shownTo(principal, terminology),
      });
      return {
        disclosures: disclosuresOf(found.reads, terminology.categoriesOf).map(disclosureMessage),
        interval: intervalMessage(found.interval),
        unreadableEntries: found.unreadable,
      };
    },
  };
}
