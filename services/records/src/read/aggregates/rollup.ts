import { HOUR_MS, type SummarizedBlock, type Summary } from "../../blocks/summary.ts";
import { type Buckets, countedIntervals } from "../../model/buckets.ts";
import { clip, type Interval, unite } from "../../model/interval.ts";

/** Hours `[first, end)` of a summary, which one bucket counts wholly. */
export interface CountedHours {
  readonly summary: Summary;
  readonly bucket: number;
  readonly first: number;
  readonly end: number;
}

export interface Rollup {
  readonly hours: readonly CountedHours[];
  /** Where samples must be read instead; disjoint from `hours`. */
  readonly samples: readonly Interval[];
}

/**
 * Selects the hours of summaries that may be counted: hours that one released bucket holds whole, and into whose
 * samples no other block of the series reaches, so nothing can hide them. Elsewhere samples are read.
 *
 * @param blocks of one series, by their start
 */
export function planRollup(blocks: readonly SummarizedBlock[], buckets: Buckets): Rollup {
  const contested = contestedOf(blocks);
  const hours: CountedHours[] = [];
  const samples: Interval[] = [];
  for (const [i, block] of blocks.entries()) {
    if (block.summary === undefined) samples.push(block);
    else planBlock(block, block.summary, contested[i]!, buckets, hours, samples);
  }
  if (samples.length === 0) return { hours, samples };
  const read = unite(samples);
  return { hours, samples: countedIntervals(buckets).flatMap((interval) => clip(read, interval)) };
}

/** Whether any bucket is long enough for an hour. */
export function holdHours({ counted }: Buckets): boolean {
  return counted.some((to, i) => i > 0 && to - counted[i - 1]! >= HOUR_MS);
}

/** For each block the stretches where others reach into it, united. */
function contestedOf(blocks: readonly SummarizedBlock[]): Interval[][] {
  const shared: Interval[][] = blocks.map(() => []);
  for (const [i, { until }] of blocks.entries()) {
    for (let j = i + 1; j < blocks.length && blocks[j]!.from < until; j++) {
      const both = { from: blocks[j]!.from, to: Math.min(until, blocks[j]!.until) };
      shared[i]!.push(both);
      shared[j]!.push(both);
    }
  }
  return shared.map(unite);
}

function planBlock(
  block: SummarizedBlock,
  summary: Summary,
  contested: readonly Interval[],
  { counted, released }: Buckets,
  hours: CountedHours[],
  samples: Interval[],
): void {
  const { starts, overhang } = summary;
  let bucket = -1;
  let other = 0;
  for (let hour = 0; hour < starts.length; ) {
    const from = Math.max(starts[hour]!, block.from);
    const to = Math.min(starts[hour]! + HOUR_MS, block.to);
    if (from >= counted.at(-1)!) return;
    while (bucket + 1 < counted.length && counted[bucket + 1]! <= from) bucket++;
    while (other < contested.length && contested[other]!.to <= from) other++;
    // Up to here hours are whole in one bucket (or before the first), and no other block reaches into them.
    const bucketEnd = counted[bucket + 1]!;
    const alone = contested[other]?.from ?? Number.POSITIVE_INFINITY;
    const limit = Math.min(bucketEnd, alone - overhang);
    let end = hour;
    if (block.to <= bucketEnd && block.until <= alone) end = starts.length;
    else while (end < starts.length && starts[end]! + HOUR_MS <= limit) end++;
    if (end > hour) {
      if (bucket >= 0 && released[bucket]) hours.push({ summary, bucket, first: hour, end });
      hour = end;
    } else {
      // Where nothing is released nothing is read, except an hour that other buckets share.
      if (to > bucketEnd || (bucket >= 0 && released[bucket])) samples.push({ from, to });
      hour++;
    }
  }
}
