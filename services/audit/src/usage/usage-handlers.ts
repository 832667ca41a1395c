import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  ListUsageRequestSchema,
  type UsageSchema,
  type UsageService,
} from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import type { TimeInterval } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { callerKey, openListPage, type PageTokens, textPosition } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import { type Interval, scopeOf } from "../access.ts";
import { callerNotPermitted, invalidField } from "../errors.ts";
import { dayOf, dayStart } from "./usage.ts";
import type { DayRow, UsageRepository } from "./usage-repository.ts";

const USUAL_DAYS = 30;
const MOST_DAYS = 400;

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
      const days = daysOf(request.interval, clock.now());
      const page = await usage.list(scope.organization, days, limit, after);
      return { usages: page.rows.map(usageMessage), nextPageToken: token(page.cursor) };
    },
  };
}

/** The days that begin within, as `[from, to)`. Throws `invalid_field`. */
function daysOf(interval: TimeInterval | undefined, now: number): Required<Interval> {
  const firstFrom = (timeMs: number) => dayOf(timeMs - 1) + 1;
  const to = firstFrom(interval?.endTime === undefined ? now + 1 : timestampMs(interval.endTime));
  const from =
    interval?.startTime === undefined ? to - USUAL_DAYS : firstFrom(timestampMs(interval.startTime));
  if (to - from > MOST_DAYS)
    throw invalidField("interval", `must hold at most ${MOST_DAYS} days`, "INTERVAL_TOO_LONG");
  return { from, to };
}

function usageMessage({ day, row }: DayRow): MessageInitShape<typeof UsageSchema> {
  const { application, method, accesses, items, refusals } = row;
  return {
    startTime: timestampFromMs(dayStart(day)),
    application,
    method,
    accesses: BigInt(accesses),
    items: BigInt(items),
    refusals: Object.entries(refusals)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([reason, count]) => ({ reason, accesses: BigInt(count) })),
  };
}
