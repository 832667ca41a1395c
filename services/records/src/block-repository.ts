import { sliceColumns } from "@wellapi/series";
import type { Document, Page, Store } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { BlockDocument, SeriesDocument, TombstoneDocument } from "./documents.ts";
import type { Interval } from "./interval.ts";
import { codeIdOf, withBox } from "./patient-box.ts";
import type { SeriesDescriptor } from "./provenance.ts";
import { createWinners, type Run } from "./winners.ts";

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
const SERIES_A_PAGE = 200;
/** Documents of a watch's step; a block has at most 1 MiB. */
const COMMITS_A_STEP = 16;

/** Reads of stored series. */
export interface BlockRepository {
  /** The series of a code, by ascending id from `first` on. */
  series(partition: string, code: string, first?: string): AsyncGenerator<KnownSeries>;
  /** The samples of a series that hold, ascending by time, in bounded memory whatever the interval. */
  winners(partition: string, series: string, interval: Interval): AsyncGenerator<Run>;
  /** Blocks of commits with `after` < sequence <= `to`, oldest first; also hidden ones. */
  blocksBetween(partition: string, after: number, to: number): AsyncGenerator<BlockDocument>;
  /** Retractions with `after` < sequence <= `to`, oldest first. */
  tombstonesBetween(partition: string, after: number, to: number): AsyncGenerator<TombstoneDocument>;
}

export function createBlockRepository(store: Store, vault: Vault): BlockRepository {
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
          page.documents.map(({ document }) => ({
            series: document.series,
            descriptor: box.openSeries(document),
          })),
        );
        yield* known;
        cursor = page.cursor;
      } while (cursor !== undefined);
    },

    async *winners(partition, series, interval) {
      // What can't be held together is read in several goes.
      for (let { from } = interval; from < interval.to; ) {
        from = yield* winnersFrom(partition, series, { from, to: interval.to });
      }
    },

    blocksBetween: (partition, after, to) => commitsBetween<BlockDocument>("blocks", partition, after, to),
    tombstonesBetween: (partition, after, to) =>
      commitsBetween<TombstoneDocument>("tombstones", partition, after, to),
  };

  /** Returns how far it came. */
  async function* winnersFrom(
    partition: string,
    series: string,
    interval: Interval,
  ): AsyncGenerator<Run, number> {
    const winners = createWinners();
    let done = interval.from;
    let cursor: string | undefined;
    for (;;) {
      const page: Page<BlockDocument> = await store.scan<BlockDocument>("blocks", {
        index: "by_from",
        equals: [partition, series],
        range: { from: interval.from - MAX_BLOCK_SPAN_MS, to: interval.to },
        limit: BLOCKS_A_STEP,
        ...(cursor === undefined ? {} : { cursor }),
      });
      const shown = page.documents
        .map(({ document }) => document)
        .filter((document) => document.hidden === 0 && document.to_ms > interval.from);
      if (shown.length > 0) {
        winners.add(
          await withBox(vault, partition, (box) =>
            shown.map((document) => {
              const { columns, provenance } = box.openBlock(document);
              const later = sliceColumns(columns, interval.from, Number.POSITIVE_INFINITY);
              return { provenance, columns: later, sequence: document.sequence };
            }),
          ),
        );
      }
      cursor = page.cursor;
      const to = Math.min(interval.to, winners.end);
      // No later block starts before the last one that was read: what lies before it is settled.
      const last = page.documents.at(-1)?.document.from_ms ?? to;
      const settled = cursor === undefined ? to : Math.max(done, Math.min(last, to));
      if (settled > done) yield* winners.take({ from: done, to: settled });
      done = settled;
      if (done >= to) return done;
    }
  }

  async function* commitsBetween<D extends Document>(
    collection: string,
    partition: string,
    after: number,
    to: number,
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
      for (const { document } of page.documents) yield document;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
}
