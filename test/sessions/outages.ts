import type { Fault, History, Operation } from "./history.ts";

/** How long one kind of operation had no certain answer at one replica. */
export interface Outage {
  readonly kind: Operation["kind"];
  readonly replica: string;
  readonly ms: number;
}

type Answered = Operation & { readonly completed: number };

/**
 * The longest time for which somebody waited for a certain answer, of each kind and replica, from when the fault began
 * until the next one does: from when the first of them asked to the answer that one got, doubtful answers between.
 * Watches are left out: they have no answers but their end.
 */
export function outages(history: History, fault: Fault): Outage[] {
  const until = nextFault(history, fault);
  return [...groups(history)].flatMap(([, operations]) => {
    const { kind, replica } = operations[0]!;
    const answered = operations
      .filter(({ completed }) => completed >= fault.began && completed < until)
      .sort((a, b) => a.completed - b.completed);
    let asked = Number.POSITIVE_INFINITY;
    let ms = 0;
    for (const operation of answered) {
      asked = Math.min(asked, Math.max(operation.invoked, fault.began));
      if (!isCertain(operation)) continue;
      ms = Math.max(ms, operation.completed - asked);
      asked = Number.POSITIVE_INFINITY;
    }
    return answered.length > 0 ? [{ kind, replica, ms }] : [];
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
