import type { Fault, History, Operation } from "./history.ts";

/** How long one kind of operation had no certain answer at one replica. */
export interface Outage {
  readonly kind: Operation["kind"];
  readonly replica: string;
  readonly ms: number;
}

type Answered = Operation & { readonly completed: number };

/**
 * The longest time from one certain answer (or the fault's beginning) to the next, for each kind and replica, from when
 * the fault began until the next one does. Watches are left out: they have no answers but their end.
 */
export function outages(history: History, fault: Fault): Outage[] {
  const until = nextFault(history, fault);
  return [...groups(history)].flatMap(([, operations]) => {
    const { kind, replica } = operations[0]!;
    const times = operations
      .filter((one) => isCertain(one) && one.completed >= fault.began && one.completed < until)
      .map(({ completed }) => completed)
      .sort((a, b) => a - b);
    if (times.length === 0) return [];
    const gaps = times.map((time, i) => time - (times[i - 1] ?? fault.began));
    return [{ kind, replica, ms: Math.max(...gaps) }];
  });
}

/** What still has no certain answer, or was not even tried, once `recoveryMs` have passed since a fault ended. */
export function unavailable(history: History, recoveryMs: number): string[] {
  return history.faults.flatMap((fault) => {
    const from = fault.ended + recoveryMs;
    const until = nextFault(history, fault);
    if (until <= from) return [];
    return [...groups(history)].flatMap(([name, operations]) => {
      const tried = operations.filter(({ invoked }) => invoked >= fault.ended && invoked < until);
      const doubtful = tried.filter(
        (one) => one.invoked >= from && !isCertain(one) && (one.completed ?? history.ended) < until,
      );
      if (doubtful.length > 0) {
        return [`${name}: ${doubtful.length} without a certain answer, long after "${fault.name}"`];
      }
      const recovered = tried.some((one) => isCertain(one) && one.completed <= from);
      return recovered ? [] : [`${name}: no certain answer within ${recoveryMs} ms after "${fault.name}"`];
    });
  });
}

function groups({ operations }: History): Map<string, Answered[]> {
  const answered = operations.filter(
    (one): one is Answered => one.kind !== "watch" && one.completed !== undefined,
  );
  return Map.groupBy(answered, ({ kind, replica }) => `${kind} at ${replica}`);
}

function isCertain({ answer }: Operation): boolean {
  return answer?.kind === "ok" || answer?.kind === "refused";
}

function nextFault({ faults, ended }: History, fault: Fault): number {
  return Math.min(ended, ...faults.filter(({ began }) => began > fault.began).map(({ began }) => began));
}
