import { Code } from "@connectrpc/connect";
import { problemError, problemFor, type Spending } from "@wellapi/rpc";
import type { Counters, Taken } from "./counters.ts";
import type { Draw } from "./rates.ts";
import type { Refusals } from "./refusals.ts";
import { weights } from "./weights.ts";

/** A stream's messages are paid by so many at once: a message costs much less than asking the counters. */
const settleEvery = 20;
/** A stream that was slowed in so many windows one after another, without getting a message through, is refused. */
const mostWindows = 6;

export const nothingSpent: Spending = {
  message() {},
  bytes() {},
  pace: () => undefined,
  end() {},
};

/** What one call spends after it was admitted. `takeFrom` takes from all of its budgets, and returns one that is over. */
export function createSpending(options: {
  readonly counters: Counters;
  readonly draws: readonly Draw[];
  readonly refusals: Refusals;
  readonly takeFrom: (units: number) => Promise<{ readonly draw: Draw; readonly taken: Taken } | undefined>;
}): Spending {
  const { counters, draws, refusals, takeFrom } = options;
  // Whoever is admitted by their address alone and is not authenticated has failed to sign in.
  const ofAddress = draws.some(({ name }) => name === "address");
  let owed = 0;
  let bytes = 0;
  let over: { readonly draw: Draw; readonly until: number } | undefined;
  let windows = 0;
  let ended = false;

  const debit = (units: number): void => {
    for (const { key, quota } of draws) void counters.add(key, units, quota);
  };

  async function settle(): Promise<void> {
    const units = owed;
    owed = 0;
    const found = await takeFrom(units);
    if (found === undefined) windows = 0;
    else over = { draw: found.draw, until: performance.now() + found.taken.resetMs };
  }

  async function waitOut({ draw, until }: NonNullable<typeof over>, signal: AbortSignal): Promise<void> {
    const leftMs = until - performance.now();
    windows += 1;
    if (windows > mostWindows) throw problemError(refusals.problem(draw, leftMs));
    refusals.tell(draw, leftMs);
    await refusals.pause(leftMs, signal);
    over = undefined;
  }

  return {
    message() {
      owed += weights.message;
      if (owed >= settleEvery) void settle();
    },
    bytes(count) {
      bytes += count;
      const units = Math.floor(bytes / weights.bytesPerUnit);
      bytes -= units * weights.bytesPerUnit;
      // Answers are encoded after the call's end.
      if (ended && units > 0) debit(units);
      else owed += units;
    },
    pace(signal) {
      if (over === undefined) return undefined;
      if (over.until > performance.now()) return waitOut(over, signal);
      over = undefined;
      return undefined;
    },
    end(error) {
      ended = true;
      const code = error === undefined ? undefined : problemFor(error).code;
      const refused = code === Code.Unauthenticated && ofAddress;
      const more = code === Code.PermissionDenied ? weights.denied : refused ? weights.refusedCredential : 0;
      const units = owed + more;
      owed = 0;
      if (units > 0) debit(units);
    },
  };
}
