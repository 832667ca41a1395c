import type { Interval } from "../model/interval.ts";
import { createBoxCache } from "./box-cache.ts";
import type { PatientBox } from "./patient-box.ts";
import type { SummarizedBlock } from "./summary.ts";

/** A patient-year of minutes takes about 500 KB. */
const BUDGET_BYTES = 32 * 1024 * 1024;
const BLOCK_BYTES = 500;

interface Opened extends Interval {
  /** The revision of the patient's head under which the blocks were read: every change of the blocks replaces it. */
  readonly revision: number;
  readonly blocks: readonly SummarizedBlock[];
}

/** Recently opened hours of series, so that a dashboard's next request opens nothing. */
export function createOpenedHours(budget = BUDGET_BYTES) {
  const cache = createBoxCache<Opened>({
    name: "opened-hours",
    budget,
    largest: Math.min(BUDGET_BYTES / 4, budget),
    weigh: ({ blocks }) => 1 + blocks.reduce((sum, block) => sum + bytesOf(block), 0),
  });
  return {
    /** The series' blocks that reach into the interval, as of that revision; undefined if they must be read. */
    get(box: PatientBox, name: string, revision: number, interval: Interval): SummarizedBlock[] | undefined {
      const known = cache.get(box, name);
      if (known === undefined || known.revision !== revision) return undefined;
      if (known.from > interval.from || known.to < interval.to) return undefined;
      return known.blocks.filter(({ from, until }) => until > interval.from && from < interval.to);
    },
    set: cache.set,
  };
}

function bytesOf({ summary }: SummarizedBlock): number {
  if (summary === undefined) return BLOCK_BYTES;
  return BLOCK_BYTES + summary.starts.byteLength * (3 + 3 * summary.parts.length);
}
