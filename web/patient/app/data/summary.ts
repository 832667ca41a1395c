import type { Point } from "./lines.ts";

/** What a chart shows, in numbers: for the sentence above it. */
export interface Summary {
  readonly low: number;
  readonly high: number;
  /** Each value counts once, however they fall into buckets. */
  readonly mean: number;
}

/** Undefined where there is nothing to tell. */
export function summaryOf(points: readonly Point[]): Summary | undefined {
  const told = points.filter(({ mean }) => mean !== undefined);
  const count = told.reduce((sum, one) => sum + one.count, 0);
  if (count === 0) return undefined;
  return {
    low: Math.min(...told.map(({ low, mean }) => low ?? mean!)),
    high: Math.max(...told.map(({ high, mean }) => high ?? mean!)),
    mean: told.reduce((sum, one) => sum + one.mean! * one.count, 0) / count,
  };
}

/** Of what adds up: all together, and by bucket that has anything. */
export function totalOf(
  points: readonly Point[],
): { readonly total: number; readonly mean: number } | undefined {
  const told = points.filter(({ sum }) => sum !== undefined);
  if (told.length === 0) return undefined;
  const total = told.reduce((all, { sum }) => all + sum!, 0);
  return { total, mean: total / told.length };
}

/** Of coded values: how long each held, by bucket that has anything. The longest first. */
export function heldOf(points: readonly Point[]): readonly (readonly [string, number])[] {
  const told = points.filter(({ held }) => held.size > 0);
  const totals = new Map<string, number>();
  for (const { held } of told) {
    for (const [code, ms] of held) totals.set(code, (totals.get(code) ?? 0) + ms);
  }
  return [...totals].map(([code, ms]) => [code, ms / told.length] as const).sort((a, b) => b[1] - a[1]);
}
