import { type Change, type Store, type Stored, scanPages } from "@wellapi/store";
import { MAX_BLOCK_REACH_MS } from "../blocks/block-limits.ts";
import type { StoredBlock } from "../blocks/block-scan.ts";
import {
  type BlockDocument,
  type CompactedDocument,
  type Head,
  isCompacted,
  isShown,
} from "../blocks/documents.ts";
import { headChange, loadHead } from "../blocks/head-repository.ts";
import type { PatientQueue } from "../blocks/patient-queue.ts";

/** Blocks that one round of a pass merges. */
export interface Round {
  readonly blocks: readonly Stored<BlockDocument>[];
  /** It contains all commits up to this sequence. */
  readonly reached: number;
}

/** Another commit has changed the blocks to merge. */
export class Overtaken extends Error {
  constructor() {
    super("another commit came between");
  }
}

/** Reads and writes of compaction. Throws StoreError. */
export interface CompactionRepository {
  /** Heads of patients whose blocks have waited since `before` or longer, the longest wait first. */
  due(before: number, limit: number): Promise<Head[]>;
  /** Undefined if the patient has no data, or was erased. */
  head(partition: string): Promise<Head | undefined>;
  /** Blocks of the commits after `reached`, up to `until`: about as many as one round may hold in memory. */
  nextRound(partition: string, reached: number, until: number): Promise<Round>;
  /**
   * Compacted blocks of the series that may reach into `[from, to)`, and earlier ones that may be merged with it; by
   * start.
   */
  compactedNear(
    partition: string,
    series: string,
    from: number,
    to: number,
  ): Promise<Stored<CompactedDocument>[]>;
  /** One commit under the guard of the head. Throws Overtaken where a guard failed, or the patient was erased. */
  commit(partition: string, next: (head: Head) => Head, changes: readonly Change[]): Promise<void>;
}

/** Documents, and approximate samples, that one round merges: bounds its memory and the time of its commit. */
const ROUND_BLOCKS = 64;
const ROUND_SAMPLES = 20_000;
const BLOCKS_A_STEP = 32;

export function createCompactionRepository(store: Store, queue: PatientQueue): CompactionRepository {
  return {
    async due(before, limit) {
      const { documents } = await store.scan<Head>("heads", {
        index: "by_loose_since",
        equals: [],
        range: { to: before + 1 },
        limit,
      });
      return documents.map(({ document }) => document);
    },

    async head(partition) {
      const head = (await loadHead(store, partition))?.document;
      return head?.erased ? undefined : head;
    },

    nextRound: (partition, reached, until) => roundFrom(store, partition, reached, until),

    async compactedNear(partition, series, from, to) {
      const compacted: Stored<CompactedDocument>[] = [];
      const range = { from: from - MAX_BLOCK_REACH_MS, to };
      const scan = { index: "by_from", equals: [partition, series], range, limit: BLOCKS_A_STEP };
      for await (const page of scanPages<StoredBlock>(store, "blocks", scan)) {
        for (const { document, revision } of page.documents) {
          if (isCompacted(document)) compacted.push({ document, revision });
        }
      }
      return compacted;
    },

    commit: (partition, next, changes) =>
      queue.run(partition, async () => {
        const read = await loadHead(store, partition);
        if (read === undefined || read.document.erased) throw new Overtaken();
        const { committed } = await store.commit({
          partition,
          changes: [headChange(partition, read, next(read.document)), ...changes],
        });
        if (!committed) throw new Overtaken();
      }),
  };
}

async function roundFrom(store: Store, partition: string, reached: number, until: number): Promise<Round> {
  const blocks: Stored<BlockDocument>[] = [];
  let samples = 0;
  const range = { after: reached, to: until + 1 };
  const scan = { index: "by_sequence", equals: [partition], range, limit: BLOCKS_A_STEP };
  for await (const page of scanPages<BlockDocument>(store, "blocks", scan)) {
    for (const stored of page.documents) {
      if (!isShown(stored.document)) continue;
      blocks.push(stored);
      samples += stored.document.count;
    }
    if (page.cursor === undefined) break;
    // The last commit may have more blocks.
    const whole = page.documents.at(-1)!.document.sequence - 1;
    const enough = blocks.length >= ROUND_BLOCKS || samples >= ROUND_SAMPLES;
    if (enough && whole > reached) return { blocks, reached: whole };
  }
  return { blocks, reached: until };
}
