/** From one instant to another, UTC milliseconds, half-open. */
export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

export const dayMs = 86_400_000;
const weekMs = 7 * dayMs;

/** Of the UTC day. */
export function dayStart(ms: number): number {
  return Math.floor(ms / dayMs) * dayMs;
}

/**
 * The range cut where weeks end (Thursdays of UTC, as 1 January 1970 was one), and in the last week where days do: one window, one batch. What is sent
 * again on the same day, or on the next, is cut at the same places, so that most of it are the same batches.
 */
export function* windowsOf({ fromMs, toMs }: Range): Generator<Range> {
  const lastWeekMs = Math.floor(toMs / weekMs) * weekMs;
  for (let startMs = fromMs; startMs < toMs; ) {
    const stepMs = startMs < lastWeekMs ? weekMs : dayMs;
    const endMs = Math.min(toMs, (Math.floor(startMs / stepMs) + 1) * stepMs);
    yield { fromMs: startMs, toMs: endMs };
    startMs = endMs;
  }
}
