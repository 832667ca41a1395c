import type { Holding } from "../blocks/documents.ts";

/** What an organization may hold of a patient (decision 0032). */
export interface HoldingLimits {
  /** Sealed bytes of what it has sent; what was taken back or merged since counts as it came. */
  readonly bytes: number;
  /** Series: one for each device, code, method and granularity. */
  readonly series: number;
}

export type HoldingProblem = "STORAGE_LIMIT" | "TOO_MANY_SERIES";

/** What the organizations of a patient hold, while a group of batches is added to it. */
export interface Holdings {
  /** Why the organization may not add this; undefined where it may. Adds nothing. */
  problemOf(owner: string, bytes: number, series: number): HoldingProblem | undefined;
  add(owner: string, bytes: number, series: number): void;
  /** For the head; undefined where nothing is held. */
  all(): readonly Holding[] | undefined;
}

export function createHoldings(before: readonly Holding[] | undefined, limits: HoldingLimits): Holdings {
  const held = new Map((before ?? []).map((holding) => [holding.owner, holding]));
  const of = (owner: string): Holding => held.get(owner) ?? { owner, bytes: 0, series: 0 };
  return {
    problemOf(owner, bytes, series) {
      const before = of(owner);
      // Nothing new is refused for what it does not add: a limit that was lowered keeps known series open.
      if (bytes > 0 && before.bytes + bytes > limits.bytes) return "STORAGE_LIMIT";
      if (series > 0 && before.series + series > limits.series) return "TOO_MANY_SERIES";
      return undefined;
    },
    add(owner, bytes, series) {
      if (bytes === 0 && series === 0) return;
      const before = of(owner);
      held.set(owner, { owner, bytes: before.bytes + bytes, series: before.series + series });
    },
    all: () => (held.size === 0 ? undefined : [...held.values()]),
  };
}
