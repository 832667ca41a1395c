import { isWithoutKey, type Vault } from "@wellapi/vault";
import { createBoxCache } from "./box-cache.ts";
import { type PatientBox, withBox } from "./patient-box.ts";

/** A patient, as their head was read: each commit of records replaces it, by whichever replica. */
export interface HeadState {
  readonly partition: string;
  /** Undefined before the first commit. */
  readonly revision: number | undefined;
}

/** What reads of a patient found, as long as nothing is committed. */
export interface HeadCache<V> {
  /**
   * What `read` finds, or found already under this revision. The head was read before, so what is found is at least as new as the revision:
   * a commit between the two shows, and what is kept is asked for under that revision by nobody who read the head after it.
   *
   * @param name unique within the partition
   */
  find(head: HeadState, name: string, read: () => Promise<V>): Promise<V>;
}

interface Kept<V> {
  readonly revision: number;
  readonly value: V;
}

/** The values belong to the patient's box and go with its key. `budget`: the sum of the weights; `name`: in the metric of lookups. */
export function createHeadCache<V>(
  vault: Vault,
  options: { readonly name: string; readonly budget: number; readonly weigh: (value: V) => number },
): HeadCache<V> {
  const { name: cacheName, budget, weigh } = options;
  const cache = createBoxCache<Kept<V>>({
    name: cacheName,
    budget,
    largest: budget / 16,
    weigh: ({ value }) => weigh(value),
  });
  /** Undefined where the patient has no key: then nothing is kept. */
  async function inBox<T>(partition: string, use: (box: PatientBox) => T): Promise<T | undefined> {
    try {
      return await withBox(vault, partition, use);
    } catch (error) {
      if (isWithoutKey(error)) return undefined;
      throw error;
    }
  }

  return {
    async find({ partition, revision }, name, read) {
      if (revision === undefined) return read();
      const named = `${partition}/${name}`;
      const kept = await inBox(partition, (box) => cache.get(box, named));
      if (kept?.revision === revision) return kept.value;
      const value = await read();
      await inBox(partition, (box) => cache.set(box, named, { revision, value }));
      return value;
    },
  };
}
