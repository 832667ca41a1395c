import { pages as pagesOf, type Store, scanPages } from "@wellapi/store";
import type { Interval } from "../model/interval.ts";
import { mergedStreams } from "../model/merged-streams.ts";
import { MAX_BLOCK_REACH_MS } from "./block-limits.ts";
import { type BlockDocument, type CompactedDocument, isCompacted, isShown } from "./documents.ts";
import { movesOf } from "./head-repository.ts";

/** A block of samples as it arrived, or compacted. */
export type StoredBlock = BlockDocument | CompactedDocument;

/** Blocks of one step of a scan. */
export interface BlockPage {
  readonly shown: readonly StoredBlock[];
  /** No block of a later page starts before this time. */
  readonly nextFrom: number;
}

/** A block with what it covers. */
export interface BlockName {
  readonly name: string;
  /** First sample; a millisecond after the last start; a millisecond after the latest end. */
  readonly from: number;
  readonly to: number;
  readonly until: number;
  /** Lowest and highest sequence of the commits of its samples. */
  readonly first: number;
  readonly last: number;
}

export function nameOf(block: StoredBlock): BlockName {
  const { batch, item, from_ms: from, to_ms: to, until_ms: until } = block;
  const [first, last] = isCompacted(block)
    ? [block.first_sequence, block.last_sequence]
    : [block.sequence, block.sequence];
  return { name: `${batch} ${item}`, from, to, until, first, last };
}

/** How many blocks a page has: the first, and each later one. */
export interface PageSizes {
  readonly first: number;
  readonly later: number;
}

/** Blocks of several series that are held at a time, where the series are few. */
const BLOCKS_TOGETHER = 16;

/** Scans the stored blocks of one series, or of several as one: by their first sample. */
export interface BlockScan {
  /**
   * The blocks that reach into the interval, page by page; undefined at last, where samples were moved meanwhile:
   * then the pages so far may lack some of them. It looks once, at the end: for who needs all pages or none.
   */
  reachingInto(interval: Interval, sizes: PageSizes): AsyncGenerator<BlockPage | undefined>;
  /**
   * The same, and then blocks that start after the interval, but before the `reach` of the blocks in it. It looks before each page but the first: the
   * pages up to an undefined are as they were at one time.
   */
  hiding(interval: Interval, sizes: PageSizes, reach: () => number): AsyncGenerator<BlockPage | undefined>;
}

export function createBlockScan(
  store: Pick<Store, "get" | "scan">,
  partition: string,
  series: readonly string[],
): BlockScan {
  /** Returns whether samples were moved since. */
  async function movesSince(): Promise<() => Promise<boolean>> {
    const moves = await movesOf(store, partition);
    return async () => (await movesOf(store, partition)) !== moves;
  }

  async function* pages({ from, to }: Interval, sizes: PageSizes): AsyncGenerator<BlockPage> {
    for await (const { blocks, nextFrom } of scanned({ from: from - MAX_BLOCK_REACH_MS, to }, sizes)) {
      yield { shown: blocks.filter((block) => isShown(block) && block.until_ms > from), nextFrom };
    }
  }

  /** Blocks that start within the range. */
  function scanned(range: Interval, sizes: PageSizes) {
    return series.length === 1 ? scannedOne(series[0]!, range, sizes) : scannedTogether(range, sizes);
  }

  async function* scannedOne(one: string, range: Interval, { first, later }: PageSizes) {
    const scan = { index: "by_from", equals: [partition, one], range };
    const read = (cursor: string | undefined) =>
      store.scan<StoredBlock>(
        "blocks",
        cursor === undefined ? { ...scan, limit: first } : { ...scan, limit: later, cursor },
      );
    for await (const { documents, cursor } of pagesOf(read)) {
      const blocks = documents.map(({ document }) => document);
      yield { blocks, nextFrom: cursor === undefined ? range.to : blocks.at(-1)!.from_ms };
    }
  }

  /** Holds as many blocks of each series as the first page has, so that this page is of the first scan of each: or more where the series are few. */
  async function* scannedTogether(range: Interval, { first, later }: PageSizes) {
    const limit = Math.max(first, Math.floor(BLOCKS_TOGETHER / series.length));
    const all = mergedStreams(
      series.map((one) => blocksOf(one, range, limit)),
      (a, b) => a.from_ms - b.from_ms,
    );
    let size = first;
    let blocks: StoredBlock[] = [];
    for await (const block of all) {
      blocks.push(block);
      if (blocks.length < size) continue;
      yield { blocks, nextFrom: block.from_ms };
      size = later;
      blocks = [];
    }
    yield { blocks, nextFrom: range.to };
  }

  async function* blocksOf(one: string, range: Interval, limit: number) {
    const scan = { index: "by_from", equals: [partition, one], range, limit };
    for await (const { documents } of scanPages<StoredBlock>(store, "blocks", scan)) {
      for (const { document } of documents) yield document;
    }
  }

  return {
    // A page is a snapshot, of each series, but two pages are not: a compaction may move samples to a place that the earlier page has passed.
    async *reachingInto(interval, sizes) {
      const moved = await movesSince();
      let count = 0;
      for await (const page of pages(interval, sizes)) {
        count += 1;
        yield page;
      }
      if (count > 1 && (await moved())) yield undefined;
    },
    async *hiding(interval, sizes, reach) {
      const moved = await movesSince();
      let first = true;
      for await (const page of pages(interval, sizes)) {
        if (!first && (await moved())) return yield undefined;
        first = false;
        yield page;
      }
      const range = { from: interval.to, to: reach() };
      if (range.to <= range.from) return;
      for await (const { blocks, nextFrom } of scanned(range, sizes)) {
        if (await moved()) return yield undefined;
        yield { shown: blocks.filter(isShown), nextFrom };
      }
    },
  };
}
