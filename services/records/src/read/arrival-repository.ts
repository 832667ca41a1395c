import type { DamageReporter } from "@wellapi/runtime";
import type { Vault } from "@wellapi/vault";
import { openOrReport } from "../blocks/damage.ts";
import type { Head, TombstoneDocument } from "../blocks/documents.ts";
import { movedTo } from "../blocks/head.ts";
import { loadHead } from "../blocks/head-repository.ts";
import { withBox } from "../blocks/patient-box.ts";
import type { RetractedSamples } from "../blocks/retracted-samples.ts";
import { mergedStreams } from "../model/merged-streams.ts";
import { type Arrival, type ArrivalQuery, ArrivalSources, Moved } from "./arrival-sources.ts";
import { type Reads, shareReads } from "./shared-reads.ts";

/** The committed data, in the order of the commits. Concurrent readers share what is read and opened. */
export interface ArrivalRepository {
  /** The patient's head; undefined before the first commit. */
  head(partition: string): Promise<Head | undefined>;
  /**
   * The data committed after the sequence `after`, up to a head that was just read, oldest first: samples of `codes`
   * that were not retracted, and retractions; the data of one commit together. Each comes once, also where blocks are
   * moved meanwhile: a commit is returned only when all of it was found.
   */
  between(head: Head, after: number, codes: ReadonlySet<string>): AsyncGenerator<readonly Arrival[]>;
  /** The samples that a retraction removed. */
  retracted(tombstone: TombstoneDocument): Promise<RetractedSamples[]>;
}

export function createArrivalRepository(
  reads: Reads,
  vault: Vault,
  damage: DamageReporter,
): ArrivalRepository {
  const store = shareReads(reads);
  const sources = new ArrivalSources({ reads: store, vault, damage });

  async function headOf(partition: string): Promise<Head | undefined> {
    return (await loadHead(store, partition))?.document;
  }

  /** All data committed after `after`, ascending. Throws Moved; `onMove` gets the head of that time. */
  function arrivals(head: Head, query: Omit<ArrivalQuery, "check">, onMove: (head: Head) => void) {
    const check = async () => {
      const now = await headOf(query.partition);
      if (now === undefined || now.moves === head.moves) return;
      onMove(now);
      throw new Moved();
    };
    const checked: ArrivalQuery = { ...query, check };
    const all: AsyncGenerator<Arrival>[] = [sources.arrived(checked), sources.retractions(checked)];
    // Data that arrives during a watch is seldom moved by then.
    if (movedTo(head) > query.after) all.push(sources.compacted(checked));
    if ((head.observed_to ?? 0) > query.after) all.push(sources.observed(checked));
    return byCommit(mergedStreams(all, (a, b) => a.sequence - b.sequence));
  }

  return {
    head: headOf,
    retracted: (tombstone) =>
      withBox(vault, tombstone.partition, (box) =>
        openOrReport(damage, { collection: "tombstones", key: [tombstone.partition, tombstone.batch] }, () =>
          box.openRetracted(tombstone),
        ),
      ),
    async *between(read, after, codes) {
      const { partition, sequence: to } = read;
      let delivered = after;
      let head = read;
      for (;;) {
        const query = { partition, after: delivered, to, codes };
        try {
          for await (const commit of arrivals(head, query, (now) => (head = now))) {
            delivered = commit[0]!.sequence;
            yield commit;
          }
          return;
        } catch (error) {
          if (!(error instanceof Moved)) throw error;
        }
      }
    },
  };
}

/** Arrivals of one sequence together. */
async function* byCommit(arrivals: AsyncIterable<Arrival>): AsyncGenerator<readonly Arrival[]> {
  let commit: Arrival[] = [];
  for await (const arrival of arrivals) {
    if (commit.length > 0 && commit[0]!.sequence !== arrival.sequence) {
      yield commit;
      commit = [];
    }
    commit.push(arrival);
  }
  if (commit.length > 0) yield commit;
}
