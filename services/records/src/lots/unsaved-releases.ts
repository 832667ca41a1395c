import type { ReleaseRepository, ToldMonth } from "./release-repository.ts";
import type { ToldSamples } from "./told-samples.ts";

/**
 * A repository over another one that keeps what is saved to itself, for one answer. What it reads is as if it had been stored.
 *
 * @param revision of the head of the patient's commits, which saving here does not change
 */
export function createUnsavedReleases(stored: ReleaseRepository, revision: number): ReleaseRepository {
  const made = new Map<string, ToldMonth>();
  const samples = new WeakMap<ToldMonth, ToldSamples>();
  const nameOf = (partition: string, series: string, month: number) =>
    JSON.stringify([partition, series, month]);
  return {
    async months(partition, series, from, to) {
      const months = new Map(
        (await stored.months(partition, series, from, to)).map((month) => [month.month, month]),
      );
      for (let month = from; month < to && made.size > 0; month++) {
        const own = made.get(nameOf(partition, series, month));
        if (own !== undefined) months.set(month, own);
      }
      return [...months.values()].sort((a, b) => a.month - b.month);
    },
    told: async (month) => samples.get(month) ?? stored.told(month),
    async save(partition, series, months) {
      for (const { told, ...month } of months) {
        made.set(nameOf(partition, series, month.month), month);
        samples.set(month, told);
      }
      return { before: revision, after: revision };
    },
  };
}
