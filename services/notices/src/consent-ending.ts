const DAY_MS = 86_400_000;

/**
 * When a patient is told that a consent ends: a week before; of one that holds less than two weeks, a day before; undefined: it ends
 * so soon after it was granted that the patient knows. Times in UTC milliseconds.
 */
export function tellEndingAt({
  createTime,
  endTime,
}: {
  readonly createTime: number;
  readonly endTime: number;
}): number | undefined {
  const holds = endTime - createTime;
  if (holds <= 2 * DAY_MS) return undefined;
  return endTime - (holds < 14 * DAY_MS ? 1 : 7) * DAY_MS;
}
