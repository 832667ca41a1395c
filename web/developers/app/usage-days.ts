import type { Usage } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";

/** What was called on a day, or of an RPC. */
export interface Sum {
  readonly accesses: number;
  readonly refused: number;
  readonly items: number;
}

export interface DaySum extends Sum {
  /** The day's beginning in UTC, in milliseconds. */
  readonly day: number;
}

export interface MethodSum extends Sum {
  readonly method: string;
  /** Refusals by reason, the most frequent first. */
  readonly reasons: ReadonlyArray<{ readonly reason: string; readonly accesses: number }>;
}

const dayMs = 86_400_000;
const nothing: Sum = { accesses: 0, refused: 0, items: 0 };

/** The last `count` UTC days with those of nothing, the oldest first. */
export function daySums(usages: readonly Usage[], count: number, now: number): readonly DaySum[] {
  const today = Math.floor(now / dayMs);
  const byDay = Map.groupBy(usages, ({ startTime }) => Math.floor(Number(startTime?.seconds ?? 0n) / 86_400));
  return Array.from({ length: count }, (_, at) => {
    const day = today - count + 1 + at;
    return { day: day * dayMs, ...sumOf(byDay.get(day) ?? []) };
  });
}

/** By RPC, what was called most first. */
export function methodSums(usages: readonly Usage[]): readonly MethodSum[] {
  return [...Map.groupBy(usages, ({ method }) => method)]
    .map(([method, all]) => ({ method, ...sumOf(all), reasons: reasonsOf(all) }))
    .sort((a, b) => b.accesses - a.accesses);
}

export function sumOf(usages: readonly Usage[]): Sum {
  return usages.reduce(
    (sum, usage) => ({
      accesses: sum.accesses + Number(usage.accesses),
      refused: sum.refused + usage.refusals.reduce((all, { accesses }) => all + Number(accesses), 0),
      items: sum.items + Number(usage.items),
    }),
    nothing,
  );
}

function reasonsOf(usages: readonly Usage[]): MethodSum["reasons"] {
  const byReason = new Map<string, number>();
  for (const { reason, accesses } of usages.flatMap(({ refusals }) => refusals)) {
    byReason.set(reason, (byReason.get(reason) ?? 0) + Number(accesses));
  }
  return [...byReason]
    .map(([reason, accesses]) => ({ reason, accesses }))
    .sort((a, b) => b.accesses - a.accesses);
}

/** `RecordsService/ReadSeries` of the full name. */
export function shortMethod(method: string): string {
  return method.replace(/^wellapi\.(\w+\.)*v\d+\./, "");
}
