import type { Stored } from "@wellapi/store";
import { MAX_BLOCK_SPAN_MS } from "../blocks/block-limits.ts";
import type { BlockDocument, CompactedDocument } from "../blocks/documents.ts";
import { FULL_SAMPLES } from "./compaction.ts";

/** A compacted block is merged again with later blocks once these are an eighth of it. */
const GROWTH = 8;

/** Blocks by series and stretches of at most 31 days between their starts, each in the order in which it is read. */
export function groupsOf(blocks: readonly Stored<BlockDocument>[]): Stored<BlockDocument>[][] {
  const groups: Stored<BlockDocument>[][] = [];
  for (const members of Map.groupBy(blocks, ({ document }) => document.series).values()) {
    members.sort((a, b) => a.document.from_ms - b.document.from_ms || a.document.item - b.document.item);
    let group: Stored<BlockDocument>[] = [];
    for (const member of members) {
      const first = group[0]?.document.from_ms ?? member.document.from_ms;
      if (group.length > 0 && member.document.from_ms - first > MAX_BLOCK_SPAN_MS) {
        groups.push(group);
        group = [];
      }
      group.push(member);
    }
    groups.push(group);
  }
  return groups;
}

/** The cover of a group: from the start of its first block to the latest end of any sample. */
export function stretchOf(group: readonly Stored<BlockDocument>[]): {
  readonly from: number;
  readonly to: number;
} {
  const from = group[0]!.document.from_ms;
  return { from, to: group.reduce((latest, { document }) => Math.max(latest, document.until_ms), from) };
}

/**
 * The compacted blocks of the series that are merged with the group: those that overlap one of its blocks, small ones
 * between them, and small ones right before.
 *
 * @param nearby compacted blocks that start before the end of the group's stretch, by their start
 */
export function mergedWith(
  group: readonly Stored<BlockDocument>[],
  nearby: readonly Stored<CompactedDocument>[],
): Stored<CompactedDocument>[] {
  const { from, to } = stretchOf(group);
  const merged: Stored<CompactedDocument>[] = [];
  const before: Stored<CompactedDocument>[] = [];
  for (const stored of nearby) {
    const { document } = stored;
    if (document.until_ms <= from) before.push(stored);
    // The merged blocks would reach over a small one between two of the group, and its hours could not be counted
    // from the summary.
    else if (document.count < FULL_SAMPLES || group.some((loose) => overlaps(loose.document, document))) {
      merged.push(stored);
    }
  }
  let gathered = [...group, ...merged].reduce((sum, { document }) => sum + document.count, 0);
  for (const candidate of before.sort((a, b) => b.document.until_ms - a.document.until_ms)) {
    const { count, from_ms } = candidate.document;
    if (count >= FULL_SAMPLES || count > GROWTH * gathered || to - from_ms > MAX_BLOCK_SPAN_MS) break;
    merged.push(candidate);
    gathered += count;
  }
  return merged;
}

function overlaps(a: Pick<BlockDocument, "from_ms" | "until_ms">, b: typeof a): boolean {
  return a.from_ms < b.until_ms && b.from_ms < a.until_ms;
}
