import type { DamageReporter } from "@wellapi/runtime";
import type { Page, Store } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import { blockPlace, openOrReport, openUnlessDamaged, openUntilDamaged, seriesPlaceOf } from "./damage.ts";
import { type BlockDocument, type CompactedDocument, isCompacted, type SeriesDocument } from "./documents.ts";
import { loadHead, movesOf } from "./head-repository.ts";
import type { Interval } from "./interval.ts";
import { createOpenedHours } from "./opened-hours.ts";
import { codeIdOf, type PatientBox, withBox } from "./patient-box.ts";
import type { SeriesDescriptor } from "./provenance.ts";
import type { SummarizedBlock } from "./rollup.ts";
import { type CommittedSamples, createWinners, type Run, sliceSamples } from "./winners.ts";

/** A series with what its seal says. */
export interface KnownSeries {
  /** Opaque id; the order in which readers get the series. */
  readonly series: string;
  readonly descriptor: SeriesDescriptor;
}

/** Longest span of a block. */
export const MAX_BLOCK_SPAN_MS = 31 * 86_400_000;

/** Blocks opened at a time: with at most 100,000 samples each, what bounds a reader's memory. */
const BLOCKS_A_STEP = 8;
/** About a year of minutes, of which only the summaries are opened. */
const SUMMARIES_A_STEP = 40;
const SERIES_A_PAGE = 200;

type StoredBlock = BlockDocument | CompactedDocument;

interface BlockPage {
  readonly shown: readonly StoredBlock[];
  /** No block of a later page starts before. Undefined: there is none. */
  readonly nextFrom: number | undefined;
}

/** Reads of stored series. */
export interface BlockRepository {
  /** The series of a code, by ascending id from `first` on. */
  series(partition: string, code: string, first?: string): AsyncGenerator<KnownSeries>;
  /** The samples of a series that hold, ascending by time, in bounded memory whatever the interval. */
  winners(partition: string, series: string, interval: Interval): AsyncGenerator<Run>;
  /** Changes with each commit of the patient's. */
  revision(partition: string): Promise<number>;
  /**
   * The blocks that reach into the interval, by their start, with what is known of their hours. `revision` was read
   * since the question came.
   */
  summaries(
    partition: string,
    series: string,
    interval: Interval,
    revision: number,
  ): Promise<SummarizedBlock[]>;
}

export function createBlockRepository(store: Store, vault: Vault, damage: DamageReporter): BlockRepository {
  const hours = createOpenedHours();

  return {
    async *series(partition, code, first) {
      const codeId = await codeIdOf(vault, partition, code);
      if (codeId === undefined) return;
      let cursor: string | undefined;
      do {
        const page = await store.scan<SeriesDocument>("series", {
          index: "by_code",
          equals: [partition, codeId],
          limit: SERIES_A_PAGE,
          ...(first === undefined ? {} : { range: { from: first } }),
          ...(cursor === undefined ? {} : { cursor }),
        });
        const known = await withBox(vault, partition, (box) =>
          openUntilDamaged(page.documents, ({ document }) => ({
            series: document.series,
            descriptor: openOrReport(damage, seriesPlaceOf(document), () => box.openSeries(document)),
          })),
        );
        yield* known.opened;
        if (known.damaged !== undefined) throw known.damaged.error;
        cursor = page.cursor;
      } while (cursor !== undefined);
    },

    async *winners(partition, series, interval) {
      // What can't be held together, or was moved meanwhile, is read in several goes.
      for (let { from } = interval; from < interval.to; ) {
        from = yield* winnersFrom(partition, series, { from, to: interval.to });
      }
    },

    revision,

    async summaries(partition, series, interval, since) {
      const name = `${partition} ${series}`;
      for (let asOf = since; ; asOf = await revision(partition)) {
        const known = await withBox(vault, partition, (box) => hours.get(box, name, asOf, interval));
        if (known !== undefined) return known;
        const blocks = await summariesOnce(partition, series, interval);
        if (blocks === undefined) continue;
        await withBox(vault, partition, (box) =>
          hours.set(box, name, { ...interval, revision: asOf, blocks }),
        );
        return blocks;
      }
    },
  };

  async function revision(partition: string): Promise<number> {
    return (await loadHead(store, partition))?.revision ?? 0;
  }

  /** The blocks that reach into the interval, a page after another; undefined, at last, where samples were moved meanwhile. */
  async function* pagesOf(
    partition: string,
    series: string,
    interval: Interval,
    limit: number,
  ): AsyncGenerator<BlockPage | undefined> {
    const moves = await movesOf(store, partition);
    let cursor: string | undefined;
    do {
      const page: Page<StoredBlock> = await store.scan("blocks", {
        index: "by_from",
        equals: [partition, series],
        range: { from: interval.from - MAX_BLOCK_SPAN_MS, to: interval.to },
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      // A page is a snapshot, but two are not: a compaction moves samples to where the earlier page already was.
      if (cursor !== undefined && (await movesOf(store, partition)) !== moves) return yield undefined;
      const blocks = page.documents.map(({ document }) => document);
      cursor = page.cursor;
      yield {
        shown: blocks.filter((block) => isShown(block) && block.to_ms > interval.from),
        nextFrom: cursor === undefined ? undefined : blocks.at(-1)?.from_ms,
      };
    } while (cursor !== undefined);
  }

  /** Undefined where samples were moved meanwhile. */
  async function summariesOnce(
    partition: string,
    series: string,
    interval: Interval,
  ): Promise<SummarizedBlock[] | undefined> {
    const blocks: SummarizedBlock[] = [];
    for await (const page of pagesOf(partition, series, interval, SUMMARIES_A_STEP)) {
      if (page === undefined) return undefined;
      blocks.push(
        ...(await withBox(vault, partition, (box) =>
          page.shown.map((document) => {
            // A damaged summary is a cache that is lost: the samples tell the same.
            const summary = isCompacted(document)
              ? openUnlessDamaged(damage, blockPlace(document), () => box.openSummary(document))
              : undefined;
            return { from: document.from_ms, to: document.to_ms, summary };
          }),
        )),
      );
    }
    return blocks;
  }

  /** Returns how far it came. */
  async function* winnersFrom(
    partition: string,
    series: string,
    interval: Interval,
  ): AsyncGenerator<Run, number> {
    const winners = createWinners();
    let done = interval.from;
    for await (const page of pagesOf(partition, series, interval, BLOCKS_A_STEP)) {
      if (page === undefined) return done;
      const { opened, damaged } = await openPage(partition, page.shown);
      if (opened.length > 0) {
        winners.add(opened.map((block) => sliceSamples(block, interval.from, Number.POSITIVE_INFINITY)));
      }
      // What a damaged block holds may hide what else begins after its own beginning.
      const nextFrom = damaged === undefined ? page.nextFrom : damaged.document.from_ms;
      const to = Math.min(interval.to, winners.end);
      // What lies before the next block is settled.
      const settled = nextFrom === undefined ? to : Math.max(done, Math.min(nextFrom, to));
      if (settled > done) yield* winners.take({ from: done, to: settled });
      done = settled;
      if (done >= to) return done;
      if (damaged !== undefined) throw damaged.error;
    }
    return done;
  }

  function openPage(partition: string, shown: readonly StoredBlock[]) {
    if (shown.length === 0) return { opened: [], damaged: undefined };
    return withBox(vault, partition, (box) =>
      openUntilDamaged(shown, (document) =>
        openOrReport(damage, blockPlace(document), () => openSamples(box, document)),
      ),
    );
  }
}

/** Whether readers are shown anything of it. */
export function isShown(document: StoredBlock): boolean {
  return isCompacted(document) || document.hidden === 0;
}

function openSamples(box: PatientBox, document: StoredBlock): CommittedSamples {
  if (isCompacted(document)) {
    const { source, columns, sequence, sequences } = box.openShown(document);
    return { source, columns, sequence, each: { sequences, offset: 0 } };
  }
  const { columns, provenance } = box.openBlock(document);
  return { source: provenance, columns, sequence: document.sequence };
}
