import type { ServiceImpl } from "@connectrpc/connect";
import { ListUsageRequestSchema, type UsageService } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import { callerKey, openListPage, type PageTokens, textPosition } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import { scopeOf } from "../access.ts";
import { callerNotPermitted } from "../errors.ts";
import { toDays, usageMessage } from "./usage-convert.ts";
import type { UsageRepository } from "./usage-repository.ts";

export function createUsageHandlers(deps: {
  readonly usage: Pick<UsageRepository, "list">;
  readonly pageTokens: PageTokens;
  readonly clock: Clock;
}): ServiceImpl<typeof UsageService> {
  const { usage, pageTokens, clock } = deps;
  return {
    async listUsage(request, context) {
      const caller = context.values.get(callerKey);
      const scope = scopeOf(caller.principal);
      if (scope?.kind !== "organization") throw callerNotPermitted();
      const { after, limit, token } = openListPage({
        tokens: pageTokens,
        caller,
        method: `${context.service.typeName}/${context.method.name}`,
        schema: ListUsageRequestSchema,
        request,
        sizes: { usual: 500, most: 1_000 },
        position: textPosition,
      });
      const days = toDays(request.interval, clock.now());
      const page = await usage.list(scope.organization, days, limit, after);
      return { usages: page.rows.map(usageMessage), nextPageToken: token(page.cursor) };
    },
  };
}
