import type { DeliveredEvent } from "../src/index.ts";

/** A handler that keeps what it got and tells when it got enough. */
export interface Collector {
  readonly batches: DeliveredEvent[][];
  readonly handle: (events: readonly DeliveredEvent[]) => Promise<void>;
  ids(): string[];
  /** Resolves once this holds, checked after each delivery; the test's timeout is its limit. */
  until(holds: () => boolean): Promise<void>;
  untilCount(count: number): Promise<void>;
}

export function createCollector(
  reject: (events: readonly DeliveredEvent[]) => boolean = () => false,
): Collector {
  const batches: DeliveredEvent[][] = [];
  const waiting = new Set<() => void>();
  const ids = () => batches.flat().map((event) => event.id);
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise<void>((resolve) => waiting.add(resolve));
  };
  return {
    batches,
    ids,
    until,
    untilCount: (count) => until(() => ids().length >= count),
    async handle(events) {
      batches.push([...events]);
      for (const resolve of waiting) resolve();
      waiting.clear();
      if (reject(events)) throw new Error(`refused ${events.map((event) => event.id).join()}`);
    },
  };
}
