import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, createCounter, type DamageReporter, type Ids } from "@wellapi/runtime";
import type { Change, Store, Stored } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { StoredBlock } from "../blocks/block-scan.ts";
import { type Strip, stripOf } from "../blocks/compacted-block.ts";
import { blockPlace, openUnlessDamaged } from "../blocks/damage.ts";
import { type BlockDocument, isCompacted } from "../blocks/documents.ts";
import { headAfterMerge, headAfterPass } from "../blocks/head.ts";
import { type PatientBox, withBox } from "../blocks/patient-box.ts";
import type { PatientQueue } from "../blocks/patient-queue.ts";
import { compactedInserts } from "./compaction.ts";
import { groupsOf, mergedWith, stretchOf } from "./compaction-plan.ts";
import { type CompactionRepository, createCompactionRepository } from "./compaction-repository.ts";

export interface PassDeps {
  readonly store: Store;
  readonly vault: Vault;
  readonly queue: PatientQueue;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly damage: DamageReporter;
}

const compactedBlocks = createCounter("compactedBlocks");

/** Compacts a patient's blocks, and rests as long as it has worked. Throws where another commit prevented it. */
export function createPass(deps: PassDeps, signal: AbortSignal) {
  const { clock } = deps;
  const repository = createCompactionRepository(deps.store, deps.queue);

  return async (partition: string): Promise<void> => {
    const began = clock.now();
    const head = await repository.head(partition);
    if (head === undefined) return;
    const until = head.sequence;
    for (let reached = head.compacted ?? 0; reached < until; ) {
      const round = await repository.nextRound(partition, reached, until);
      for (const group of groupsOf(round.blocks)) {
        const started = clock.monotonic();
        await merge(deps, repository, partition, group);
        await sleep(clock.monotonic() - started, undefined, { signal });
      }
      reached = round.reached;
    }
    await repository.commit(partition, (now) => headAfterPass(now, until, began), []);
  };
}

/** One commit that replaces `group`, and the compacted blocks that it touches, by new compacted blocks. */
async function merge(
  { vault, damage, ids }: PassDeps,
  repository: CompactionRepository,
  partition: string,
  group: readonly Stored<BlockDocument>[],
): Promise<void> {
  const { from, to } = stretchOf(group);
  const nearby = await repository.compactedNear(partition, group[0]!.document.series, from, to);
  const merged: Stored<StoredBlock>[] = [...group, ...mergedWith(group, nearby)];
  merged.sort((a, b) => a.document.from_ms - b.document.from_ms);
  const strips: Strip[] = [];
  const whole: Stored<StoredBlock>[] = [];
  for (const stored of merged) {
    const { document } = stored;
    // A damaged block stays as it is, and no later pass comes back to it: this pass continues behind it.
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
  await repository.commit(partition, (head) => headAfterMerge(head, newest), [...deletes, ...inserts]);
  compactedBlocks.add(fresh.length);
}

function stripsOf(box: PatientBox, document: StoredBlock): readonly Strip[] {
  return isCompacted(document) ? box.openCompacted(document) : [stripOf(box.openBlock(document), document)];
}
