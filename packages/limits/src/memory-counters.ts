import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { Counters, Taken } from "./counters.ts";

/** Counts in this process. A key takes some hundred bytes until its window ends. */
export function createMemoryCounters({ windowSeconds }: { readonly windowSeconds: number }): Counters {
  const limiterOf = byQuota(
    (points) => new RateLimiterMemory({ points, duration: windowSeconds, keyPrefix: "" }),
  );
  return {
    take: (key, units, quota) => take(limiterOf(quota), key, units),
    async add(key, units, quota) {
      await limiterOf(quota).penalty(key, units);
    },
    async close() {},
  };
}

/** A limiter of the library has one quota; there are few: the defaults, and what operators set. */
export function byQuota<L>(create: (quota: number) => L): (quota: number) => L {
  const limiters = new Map<number, L>();
  return (quota) => {
    const known = limiters.get(quota);
    if (known !== undefined) return known;
    const made = create(quota);
    limiters.set(quota, made);
    return made;
  };
}

/** The library rejects with a result, not an error, where the quota is used up. */
export async function take(
  limiter: Pick<RateLimiterAbstract, "consume">,
  key: string,
  units: number,
): Promise<Taken> {
  try {
    return takenOf(await limiter.consume(key, units), true);
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return takenOf(refused, false);
    throw refused;
  }
}

function takenOf({ remainingPoints, msBeforeNext }: RateLimiterRes, allowed: boolean): Taken {
  return { allowed, remaining: allowed ? remainingPoints : 0, resetMs: Math.max(0, msBeforeNext) };
}
