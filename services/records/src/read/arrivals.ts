import type { DamageReporter } from "@wellapi/runtime";
import { pickColumns } from "@wellapi/series";
import type { Document, Page } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { Strip } from "../blocks/compacted-block.ts";
import { blockPlace, openOrReport, openUntilDamaged } from "../blocks/damage.ts";
import {
  type BlockDocument,
  type CompactedDocument,
  type CompactedPlace,
  type Head,
  isCompacted,
  type ObservationBlockDocument,
  type TombstoneDocument,
} from "../blocks/documents.ts";
import { movedTo } from "../blocks/head.ts";
import { loadHead } from "../blocks/head-repository.ts";
import { createObservationSeries } from "../blocks/observation-series.ts";
import { type PatientBox, withBox } from "../blocks/patient-box.ts";
import type { RetractedSamples } from "../blocks/retracted-samples.ts";
import type { Run } from "../blocks/winners.ts";
import { type Reads, shareReads } from "./shared-reads.ts";

/** Samples of one commit. */
export interface Samples {
  readonly sequence: number;
  /** MAC of the code. */
  readonly code: string;
  /** Runs that go together, at least one; of samples one. */
  open(): Promise<readonly Run[]>;
}

export type Arrival = Samples | TombstoneDocument;

/** What was committed, in the order of the commits. Those who ask at the same moment share what is read and opened. */
export interface ArrivalRepository {
  /** The patient's head, if anything was ever committed. */
  head(partition: string): Promise<Head | undefined>;
  /**
   * What was committed after the sequence `after`, up to a head that was just read, oldest first: samples of `codes`
   * that were not retracted, and retractions; what came with one commit together. Each comes once, also where blocks are
   * moved meanwhile: a commit is handed out when all of it was found.
   */
  between(head: Head, after: number, codes: ReadonlySet<string>): AsyncGenerator<readonly Arrival[]>;
  /** What a retraction took back. */
  retracted(tombstone: TombstoneDocument): Promise<RetractedSamples[]>;
}

/** Documents of a step; a block has at most 1 MiB. */
const COMMITS_A_STEP = 16;
/** Commits that are taken out of compacted blocks at a time. */
const COMPACTED_COMMITS_A_STEP = 256;

/** Samples were moved between two steps, so that some may have been missed. */
class Moved extends Error {}

export function createArrivalRepository(
  reads: Reads,
  vault: Vault,
  damage: DamageReporter,
): ArrivalRepository {
  const store = shareReads(reads);
  /** As long as somebody who shares the document holds it. */
  const opened = new WeakMap<BlockDocument | ObservationBlockDocument, Promise<readonly Run[]>>();
  const observations = createObservationSeries(reads, vault, damage);

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
        const check = async () => {
          const now = await headOf(partition);
          if (now === undefined || now.moves === head.moves) return;
          head = now;
          throw new Moved();
        };
        try {
          const sources: AsyncGenerator<Arrival>[] = [
            loose(partition, delivered, to, codes, check),
            scanned<TombstoneDocument>("tombstones", partition, delivered, to),
          ];
          // What arrives while somebody watches is seldom moved by then.
          if (movedTo(head) > delivered) sources.push(compacted(partition, delivered, to, codes, check));
          if ((head.observed_to ?? 0) > delivered) sources.push(observed(partition, delivered, to, codes));
          for await (const commit of byCommit(inOrder(sources))) {
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

  async function headOf(partition: string): Promise<Head | undefined> {
    return (await loadHead(store, partition))?.document;
  }

  function openStrips(box: PatientBox, document: CompactedDocument) {
    const { opened: blocks, damaged } = openUntilDamaged([document], () =>
      openOrReport(damage, blockPlace(document), () => box.openCompacted(document)),
    );
    return { opened: blocks.flat(), damaged };
  }

  function open(document: BlockDocument): Promise<readonly Run[]> {
    const known = opened.get(document);
    if (known !== undefined) return known;
    const run = withBox(vault, document.partition, (box): readonly Run[] => {
      const { columns, provenance } = openOrReport(damage, blockPlace(document), () =>
        box.openBlock(document),
      );
      return [{ source: provenance, columns, sequence: document.sequence }];
    });
    opened.set(document, run);
    return run;
  }

  async function* loose(
    partition: string,
    after: number,
    to: number,
    codes: ReadonlySet<string>,
    check: () => Promise<void>,
  ): AsyncGenerator<Samples> {
    for await (const document of scanned<BlockDocument>("blocks", partition, after, to, check)) {
      const { sequence, code } = document;
      if (!codes.has(code) || document.hidden > 0) continue;
      yield { sequence, code, open: () => open(document) };
    }
  }

  function openObserved(document: ObservationBlockDocument): Promise<readonly Run[]> {
    const known = opened.get(document);
    if (known !== undefined) return known;
    const runs = withBox(vault, document.partition, (box) => observations.runsIn(box, document));
    opened.set(document, runs);
    return runs;
  }

  /** Observations that are samples; they are never moved. */
  async function* observed(
    partition: string,
    after: number,
    to: number,
    codes: ReadonlySet<string>,
  ): AsyncGenerator<Samples> {
    const documents = scanned<ObservationBlockDocument>("observation_blocks", partition, after, to);
    for await (const document of documents) {
      const { sequence, code, series } = document;
      if (series === "" || !codes.has(code) || document.hidden > 0) continue;
      yield { sequence, code, open: () => openObserved(document) };
    }
  }

  async function* compacted(
    partition: string,
    after: number,
    to: number,
    codes: ReadonlySet<string>,
    check: () => Promise<void>,
  ): AsyncGenerator<Samples> {
    const places = await compactedSince(partition, after, codes);
    await check();
    for (let low = after; ; ) {
      const left = places.filter((place) => place.last_sequence > low);
      const next = left.reduce((least, place) => Math.min(least, place.first_sequence), to + 1);
      const high = Math.min(to, Math.max(low + 1, next) - 1 + COMPACTED_COMMITS_A_STEP);
      if (left.length === 0 || next > to) return;
      const samples: Samples[] = [];
      for (const { batch, item, first_sequence } of left) {
        if (first_sequence > high) continue;
        const stored = await store.get<BlockDocument | CompactedDocument>("blocks", [partition, batch, item]);
        if (stored === undefined || !isCompacted(stored.document)) throw new Moved();
        const { document } = stored;
        const { opened: strips, damaged } = await withBox(vault, partition, (box) =>
          openStrips(box, document),
        );
        // In its turn: what was committed before is delivered, and then the watch ends.
        if (damaged !== undefined) {
          const sequence = Math.max(low + 1, first_sequence);
          samples.push({ sequence, code: document.code, open: () => Promise.reject(damaged.error) });
        }
        for (const run of strips.flatMap((strip) => commitsOf(strip, low, high))) {
          samples.push({ sequence: run.sequence, code: document.code, open: async () => [run] });
        }
      }
      yield* samples.sort((a, b) => a.sequence - b.sequence);
      if (high >= to) return;
      low = high;
    }
  }

  /** Where compacted blocks lie that have commits after `after`. */
  async function compactedSince(partition: string, after: number, codes: ReadonlySet<string>) {
    const places: Pick<CompactedPlace, "batch" | "item" | "first_sequence" | "last_sequence">[] = [];
    let cursor: string | undefined;
    do {
      const page: Page<CompactedDocument> = await store.scan<CompactedDocument>("blocks", {
        index: "by_last_sequence",
        equals: [partition],
        range: { after },
        limit: COMMITS_A_STEP,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { document } of page.documents) {
        const { batch, item, code, first_sequence, last_sequence } = document;
        if (codes.has(code)) places.push({ batch, item, first_sequence, last_sequence });
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    return places;
  }

  async function* scanned<D extends Document>(
    collection: string,
    partition: string,
    after: number,
    to: number,
    check?: () => Promise<void>,
  ): AsyncGenerator<D> {
    let cursor: string | undefined;
    do {
      const page: Page<D> = await store.scan<D>(collection, {
        index: "by_sequence",
        equals: [partition],
        range: { after, to: to + 1 },
        limit: COMMITS_A_STEP,
        ...(cursor === undefined ? {} : { cursor }),
      });
      await check?.();
      for (const { document } of page.documents) yield document;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
}

/** The strip's samples by commit, of those with `low` < sequence <= `high`. */
function commitsOf({ source, columns, origins }: Strip, low: number, high: number): Run[] {
  const positions = new Map<number, number[]>();
  for (const [at, { sequence }] of origins.entries()) {
    if (sequence <= low || sequence > high) continue;
    const known = positions.get(sequence);
    if (known === undefined) positions.set(sequence, [at]);
    else known.push(at);
  }
  return [...positions].map(([sequence, those]) => {
    return { source, columns: pickColumns(columns, Uint32Array.from(those)), sequence };
  });
}

/** Those of one sequence together. */
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

/** All of them, ascending by sequence. */
async function* inOrder(sources: readonly AsyncGenerator<Arrival>[]): AsyncGenerator<Arrival> {
  const next = await Promise.all(sources.map((source) => source.next()));
  for (;;) {
    let first = -1;
    next.forEach(({ done, value }, i) => {
      if (done !== true && (first < 0 || value.sequence < next[first]!.value.sequence)) first = i;
    });
    if (first < 0) return;
    yield next[first]!.value;
    next[first] = await sources[first]!.next();
  }
}
