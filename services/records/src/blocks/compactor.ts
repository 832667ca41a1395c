import { setTimeout as sleep } from "node:timers/promises";
import type { Enforcer } from "@wellapi/enforcer";
import { type Clock, createCounter, type DamageReporter, type Ids, type Logger } from "@wellapi/runtime";
import type { Change, Page, Store, Stored } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import { isShown, MAX_BLOCK_REACH_MS, MAX_BLOCK_SPAN_MS } from "./block-repository.ts";
import { type Strip, stripOf } from "./compacted-block.ts";
import { compactedInserts, FULL_SAMPLES } from "./compaction.ts";
import { blockPlace, openUnlessDamaged } from "./damage.ts";
import { type BlockDocument, type CompactedDocument, type Head, isCompacted } from "./documents.ts";
import { movedTo } from "./head.ts";
import { headChange, loadHead } from "./head-repository.ts";
import { type PatientBox, withBox } from "./patient-box.ts";
import type { PatientQueue } from "./patient-queue.ts";

export interface PassDeps {
  readonly store: Store;
  readonly vault: Vault;
  readonly queue: PatientQueue;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly damage: DamageReporter;
}

export interface CompactorDeps extends PassDeps {
  /** Keys may be used under its live session only. */
  readonly enforcer: Pick<Enforcer, "ready">;
  readonly log: Logger;
}

/** Compaction in the background. */
export interface Compactor {
  /** How long the oldest block that is not compacted has waited, in milliseconds; 0 where none waits. */
  waitingMs(): Promise<number>;
  close(): Promise<void>;
}

/** Documents, and about how many samples, that one round merges: bounds its memory and how long its commit takes. */
const ROUND_BLOCKS = 64;
const ROUND_SAMPLES = 20_000;
const BLOCKS_A_STEP = 32;
/** A block before is merged again with what follows it once that is an eighth of it. */
const GROWTH = 8;
const PATIENTS_A_LOOK = 100;
/** How often it looks for what is due, as a part of the time after which blocks are due. */
const LOOKS = 10;
const MAX_LOOK_MS = 30_000;

type AnyBlock = BlockDocument | CompactedDocument;

const compactedBlocks = createCounter("compactedBlocks");

/**
 * Merges the blocks of a series that arrived at least `afterMs` ago into large ones, one patient after another. It
 * rests as long as it has worked, and holds a patient's queue for its commits alone. Each commit replaces the head
 * under its guard, and deletes what it merges under theirs: what another commit has changed meanwhile is tried again
 * later. Where it stops does not matter, for nothing is noted down but what is done.
 */
export function openCompactor(deps: CompactorDeps, afterMs: number): Compactor {
  const { store, enforcer, clock, log } = deps;
  const closing = new AbortController();
  const { signal } = closing;
  const pass = createPass(deps, signal);

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await enforcer.ready(signal);
      try {
        for (const partition of await due(store, clock.now() - afterMs)) {
          await pass(partition).catch((error: unknown) => {
            if (signal.aborted || error instanceof Overtaken) return;
            log.warn({ err: error }, "a patient's blocks were not compacted; tried again later");
          });
          signal.throwIfAborted();
        }
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error }, "what is to be compacted could not be listed");
      }
      await sleep(Math.min(MAX_LOOK_MS, afterMs / LOOKS), undefined, { signal });
    }
  }

  const running = run().catch((error: unknown) => {
    if (!signal.aborted) log.error({ err: error }, "compaction has ended");
  });

  return {
    async waitingMs() {
      const [oldest] = await dueHeads(store, clock.now(), 1);
      return Math.max(0, clock.now() - (oldest?.loose_since_ms ?? clock.now()));
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}

async function dueHeads(store: Store, before: number, limit: number): Promise<Head[]> {
  const { documents } = await store.scan<Head>("heads", {
    index: "by_loose_since",
    equals: [],
    range: { to: before + 1 },
    limit,
  });
  return documents.map(({ document }) => document);
}

async function due(store: Store, before: number): Promise<string[]> {
  return (await dueHeads(store, before, PATIENTS_A_LOOK)).map(({ partition }) => partition);
}

/** Another commit has changed what was to be merged. */
class Overtaken extends Error {
  constructor() {
    super("another commit came between");
  }
}

/** Compacts what a patient has; throws where it was kept from it. */
export function createPass({ store, vault, queue, clock, ids, damage }: PassDeps, signal: AbortSignal) {
  return async (partition: string): Promise<void> => {
    const began = clock.now();
    const head = (await loadHead(store, partition))?.document;
    if (head === undefined || head.erased) return;
    const until = head.sequence;
    for (let reached = head.compacted ?? 0; reached < until; ) {
      const round = await nextRound(partition, reached, until);
      for (const group of groupsOf(round.blocks)) {
        const started = clock.monotonic();
        await merge(partition, group);
        await sleep(clock.monotonic() - started, undefined, { signal });
      }
      reached = round.reached;
    }
    await commit(partition, (now) => ({
      head: { compacted: until, loose_since_ms: now.sequence > until ? began : undefined },
      changes: [],
    }));
  };

  /** Blocks of the commits after `reached`, and how far they go. */
  async function nextRound(partition: string, reached: number, until: number) {
    const blocks: Stored<BlockDocument>[] = [];
    let samples = 0;
    let cursor: string | undefined;
    for (;;) {
      const page: Page<BlockDocument> = await store.scan<BlockDocument>("blocks", {
        index: "by_sequence",
        equals: [partition],
        range: { after: reached, to: until + 1 },
        limit: BLOCKS_A_STEP,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const stored of page.documents) {
        if (!isShown(stored.document)) continue;
        blocks.push(stored);
        samples += stored.document.count;
      }
      cursor = page.cursor;
      if (cursor === undefined) return { blocks, reached: until };
      // The last commit may have more blocks.
      const whole = page.documents.at(-1)!.document.sequence - 1;
      const enough = blocks.length >= ROUND_BLOCKS || samples >= ROUND_SAMPLES;
      if (enough && whole > reached) return { blocks, reached: whole };
    }
  }

  /** One commit that puts compacted blocks in the place of `group` and of those compacted before that they touch. */
  async function merge(partition: string, group: readonly Stored<BlockDocument>[]): Promise<void> {
    const merged: Stored<AnyBlock>[] = [...group, ...(await touched(partition, group))];
    merged.sort((a, b) => a.document.from_ms - b.document.from_ms);
    const strips: Strip[] = [];
    const whole: Stored<AnyBlock>[] = [];
    for (const stored of merged) {
      const { document } = stored;
      // A damaged one stays as it is, and nobody comes back to it: the pass goes on behind it.
      const opened = await withBox(vault, partition, (box) =>
        openUnlessDamaged(damage, blockPlace(document), () => stripsOf(box, document)),
      );
      if (opened === undefined) continue;
      strips.push(...opened);
      whole.push(stored);
    }
    const fresh = group.filter((stored) => whole.includes(stored));
    if (fresh.length === 0) return;
    const inserts = await withBox(vault, partition, (box) =>
      compactedInserts(box, fresh[0]!.document, strips, ids),
    );
    const deletes = whole.map(({ document: { batch, item }, revision }): Change => {
      return { kind: "delete", collection: "blocks", key: [partition, batch, item], ifRevision: revision };
    });
    const newest = fresh.reduce((latest, { document }) => Math.max(latest, document.sequence), 0);
    await commit(partition, (head) => ({
      head: { moves: (head.moves ?? 0) + 1, moved_to: Math.max(movedTo(head), newest) },
      changes: [...deletes, ...inserts],
    }));
    compactedBlocks.add(fresh.length);
  }

  /** Compacted blocks of the series that overlap the group's, and small ones between them and right before. */
  async function touched(partition: string, group: readonly Stored<BlockDocument>[]) {
    const { series, from_ms: from } = group[0]!.document;
    const to = group.reduce((latest, { document }) => Math.max(latest, document.until_ms), from);
    const overlapping: Stored<CompactedDocument>[] = [];
    const before: Stored<CompactedDocument>[] = [];
    let cursor: string | undefined;
    do {
      const page: Page<AnyBlock> = await store.scan<AnyBlock>("blocks", {
        index: "by_from",
        equals: [partition, series],
        range: { from: from - MAX_BLOCK_REACH_MS, to },
        limit: BLOCKS_A_STEP,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { document, revision } of page.documents) {
        if (!isCompacted(document)) continue;
        if (document.until_ms <= from) before.push({ document, revision });
        // A small one between two of the group is reached over by what they become: its hours would be contested.
        else if (document.count < FULL_SAMPLES || group.some((loose) => overlaps(loose.document, document))) {
          overlapping.push({ document, revision });
        }
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    let gathered = [...group, ...overlapping].reduce((sum, { document }) => sum + document.count, 0);
    for (const candidate of before.sort((a, b) => b.document.until_ms - a.document.until_ms)) {
      const { count, from_ms } = candidate.document;
      if (count >= FULL_SAMPLES || count > GROWTH * gathered || to - from_ms > MAX_BLOCK_SPAN_MS) break;
      overlapping.push(candidate);
      gathered += count;
    }
    return overlapping;
  }

  /** Throws Overtaken where a guard did not hold. */
  function commit(
    partition: string,
    next: (head: Head) => { readonly head: Partial<Head>; readonly changes: readonly Change[] },
  ): Promise<void> {
    return queue.run(partition, async () => {
      const read = await loadHead(store, partition);
      if (read === undefined || read.document.erased) throw new Overtaken();
      const { head, changes } = next(read.document);
      const result = await store.commit({
        partition,
        changes: [headChange(partition, read, { ...read.document, ...head }), ...changes],
      });
      if (!result.committed) throw new Overtaken();
    });
  }
}

/** Blocks by series and stretches of at most 31 days between their starts, each in the order in which it is read. */
function groupsOf(blocks: readonly Stored<BlockDocument>[]): Stored<BlockDocument>[][] {
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

function stripsOf(box: PatientBox, document: AnyBlock): readonly Strip[] {
  return isCompacted(document) ? box.openCompacted(document) : [stripOf(box.openBlock(document), document)];
}

function overlaps(a: Pick<BlockDocument, "from_ms" | "until_ms">, b: typeof a): boolean {
  return a.from_ms < b.until_ms && b.from_ms < a.until_ms;
}
