import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { UsageSchema } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import type { TimeInterval } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Interval } from "../access.ts";
import { invalidField } from "../errors.ts";
import { dayOf, dayStart } from "./usage.ts";
import type { DayRow } from "./usage-repository.ts";

const USUAL_DAYS = 30;
const MOST_DAYS = 400;

/** The days that begin within, as `[from, to)`. Throws `invalid_field`. */
export function toDays(interval: TimeInterval | undefined, now: number): Required<Interval> {
  const firstFrom = (timeMs: number) => dayOf(timeMs - 1) + 1;
  const to = firstFrom(interval?.endTime === undefined ? now + 1 : timestampMs(interval.endTime));
  const from =
    interval?.startTime === undefined ? to - USUAL_DAYS : firstFrom(timestampMs(interval.startTime));
  if (to - from > MOST_DAYS)
    throw invalidField("interval", `must hold at most ${MOST_DAYS} days`, "INTERVAL_TOO_LONG");
  return { from, to };
}

export function usageMessage({ day, row }: DayRow): MessageInitShape<typeof UsageSchema> {
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
