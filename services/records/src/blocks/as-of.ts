import { coverOf, mergeCovers, pickColumns, shownWithin } from "@wellapi/series";
import type { CommittedSamples } from "./committed-samples.ts";
import { type CompactedBlock, rankOfEach, type Strip } from "./compacted-block.ts";

/**
 * The samples of a compacted block that were committed with `sequence` or before; samples that a later commit hid are
 * shown again.
 */
export function samplesAsOf(block: CompactedBlock, sequence: number): CommittedSamples[] {
  const before = block.flatMap((strip) => stripAsOf(strip, sequence));
  const layers = before.map((strip) => ({ ...strip, ranks: rankOfEach(strip.origins) }));
  const cover = mergeCovers(layers.map(({ columns, ranks }) => coverOf(columns, ranks)));
  return layers.flatMap(({ source, columns, ranks }) => {
    const shown = new Uint8Array(ranks.length);
    for (const [from, to] of shownWithin(columns, ranks, cover)) shown.fill(1, from, to);
    return [false, true].flatMap((hidden): CommittedSamples[] => {
      const at = Uint32Array.from(ranks.keys()).filter((i) => (shown[i] === 0) === hidden);
      if (at.length === 0) return [];
      const of = Float64Array.from(at, (i) => ranks[i]!);
      const rank = of.reduce((a, b) => Math.max(a, b));
      return [
        { source, columns: pickColumns(columns, at), rank, each: { ranks: () => of, offset: 0 }, hidden },
      ];
    });
  });
}

function stripAsOf({ source, columns, origins }: Strip, sequence: number): Strip[] {
  const at = Uint32Array.from(origins.keys()).filter((i) => origins[i]!.sequence <= sequence);
  if (at.length === 0) return [];
  return [{ source, columns: pickColumns(columns, at), origins: Array.from(at, (i) => origins[i]!) }];
}
