import type { DamageReporter } from "@wellapi/runtime";
import type { Page, Store } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { Interval } from "../model/interval.ts";
import { isObservationSeries } from "../model/observation-series-id.ts";
import type { SeriesDescriptor } from "../model/provenance.ts";
import { rankOf } from "../model/rank.ts";
import { samplesAsOf } from "./as-of.ts";
import type { CommittedSamples } from "./committed-samples.ts";
import type { LayerSamples } from "./compacted-block.ts";
import { blockPlace, openOrReport, openUnlessDamaged, openUntilDamaged, seriesPlaceOf } from "./damage.ts";
import { type BlockDocument, type CompactedDocument, isCompacted, type SeriesDocument } from "./documents.ts";
import { loadHead, movesOf } from "./head-repository.ts";
import { createObservationSeries } from "./observation-series.ts";
import { createOpenedHours } from "./opened-hours.ts";
import { codeIdOf, type PatientBox, withBox } from "./patient-box.ts";
import { MAX_OVERHANG_MS, type SummarizedBlock } from "./summary.ts";
import { createWinners, type Run, usualLimits, type WinnersLimits } from "./winners.ts";

/** A series with what its seal says. */
export interface KnownSeries {
  /** Opaque id; the order in which readers get the series. */
  readonly series: string;
  readonly descriptor: SeriesDescriptor;
}

/** Longest span of a block, from its first sample to its last. */
export const MAX_BLOCK_SPAN_MS = 31 * 86_400_000;
/** Most that a block covers, from its first sample to the end of whichever ends last: how far back readers look. */
export const MAX_BLOCK_REACH_MS = 32 * 86_400_000;
/** What hides a sample may be more than is usually held at a time: then so many times more is. */
const MORE = 4;

/** Blocks opened at a time: with at most 100,000 samples each, what bounds a reader's memory. */
const BLOCKS_A_STEP = 8;
/** About a year of minutes, of which only the summaries are opened. */
const SUMMARIES_A_STEP = 40;
const SERIES_A_PAGE = 200;

type StoredBlock = BlockDocument | CompactedDocument;

interface BlockPage {
  readonly shown: readonly StoredBlock[];
  /** No block of a later page starts before. */
  readonly nextFrom: number;
}

/** A block with what it covers. */
export interface BlockName {
  readonly name: string;
  /** First sample, a millisecond after the last one's start, and after the last that any covers. */
  readonly from: number;
  readonly to: number;
  readonly until: number;
  /** Lowest and highest sequence of the commits that its samples came with. */
  readonly first: number;
  readonly last: number;
}

/** Reads of stored series. */
export interface BlockRepository {
  /** The series of a code, by ascending id from `first` on. */
  series(partition: string, code: string, first?: string): AsyncGenerator<KnownSeries>;
  /**
   * The samples of a series that are shown and start in the interval, ascending, in bounded memory whatever it is. Of a
   * series of observations all are shown, also those of one time, which are in runs of their own.
   */
  winners(partition: string, series: string, interval: Interval): AsyncGenerator<Run>;
  /** The same of those that were committed with `sequence` or before, less what was taken back since. */
  winnersAsOf(partition: string, series: string, interval: Interval, sequence: number): AsyncGenerator<Run>;
  /** Names the blocks that reach into the interval: where the names are the same, so is what they hold. */
  names(partition: string, series: string, interval: Interval): Promise<BlockName[]>;
  /** Changes with each commit of the patient's. */
  revision(partition: string): Promise<number>;
  /**
   * The blocks that reach into the interval or hide something of it, by their start, with what is known of their hours.
   * `revision` was read since the question came.
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
  const observed = createObservationSeries(store, vault, damage);

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

    winners: (partition, series, interval) =>
      isObservationSeries(series)
        ? observed.runs(partition, series, interval)
        : winnersAsOf(partition, series, interval, Number.POSITIVE_INFINITY),

    winnersAsOf: (partition, series, interval, sequence) =>
      isObservationSeries(series)
        ? observed.runsAsOf(partition, series, interval, sequence)
        : winnersAsOf(partition, series, interval, sequence),

    async names(partition, series, interval) {
      if (isObservationSeries(series)) return observed.names(partition, series, interval);
      for (;;) {
        const names: BlockName[] = [];
        let moved = false;
        const check = await movesSince(partition);
        for await (const page of pagesOf(partition, series, interval, SUMMARIES_A_STEP, check)) {
          moved = page === undefined;
          names.push(...(page?.shown ?? []).map(nameOf));
        }
        if (!moved) return names;
      }
    },

    revision,

    async summaries(partition, series, asked, since) {
      // What its last hour counts may reach over its end, and be hidden there.
      const interval = { from: asked.from, to: asked.to + MAX_OVERHANG_MS };
      const name = `${partition} ${series}`;
      for (let asOf = since; ; asOf = await revision(partition)) {
        const known = await withBox(vault, partition, (box) => hours.get(box, name, asOf, interval));
        if (known !== undefined) return known;
        const blocks = isObservationSeries(series)
          ? await observed.summaries(partition, series, interval)
          : await summariesOnce(partition, series, interval);
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
    { from, to }: Interval,
    limit: number,
    check: () => Promise<boolean>,
  ): AsyncGenerator<BlockPage | undefined> {
    const range = { from: from - MAX_BLOCK_REACH_MS, to };
    let first = true;
    for await (const { blocks, nextFrom } of scanned(partition, series, range, limit)) {
      // A page is a snapshot, but two are not: a compaction moves samples to where the earlier page already was.
      if (!first && (await check())) return yield undefined;
      first = false;
      yield { shown: blocks.filter((block) => isShown(block) && block.until_ms > from), nextFrom };
    }
  }

  /** Tells whether samples were moved since. */
  async function movesSince(partition: string): Promise<() => Promise<boolean>> {
    const moves = await movesOf(store, partition);
    return async () => (await movesOf(store, partition)) !== moves;
  }

  /** Blocks that start within the range. */
  async function* scanned(partition: string, series: string, range: Interval, limit: number) {
    let cursor: string | undefined;
    do {
      const page: Page<StoredBlock> = await store.scan("blocks", {
        index: "by_from",
        equals: [partition, series],
        range,
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      const blocks = page.documents.map(({ document }) => document);
      cursor = page.cursor;
      yield { blocks, nextFrom: cursor === undefined ? range.to : blocks.at(-1)!.from_ms };
    } while (cursor !== undefined);
  }

  /** Undefined where samples were moved meanwhile. */
  async function summariesOnce(
    partition: string,
    series: string,
    interval: Interval,
  ): Promise<SummarizedBlock[] | undefined> {
    const blocks: SummarizedBlock[] = [];
    const check = await movesSince(partition);
    for await (const page of pagesOf(partition, series, interval, SUMMARIES_A_STEP, check)) {
      if (page === undefined) return undefined;
      blocks.push(
        ...(await withBox(vault, partition, (box) =>
          page.shown.map((document) => {
            // A damaged summary is a cache that is lost: the samples tell the same.
            const summary = isCompacted(document)
              ? openUnlessDamaged(damage, blockPlace(document), () => box.openSummary(document))
              : undefined;
            return { from: document.from_ms, to: document.to_ms, until: document.until_ms, summary };
          }),
        )),
      );
    }
    return blocks;
  }

  async function* winnersAsOf(partition: string, series: string, interval: Interval, sequence: number) {
    // What can't be held together, or was moved meanwhile, is read in several goes.
    let limits = usualLimits;
    for (let { from } = interval; from < interval.to; ) {
      const reached = yield* winnersFrom(partition, series, { from, to: interval.to }, sequence, limits);
      limits = reached > from ? usualLimits : more(limits);
      from = reached;
    }
  }

  /** Returns how far it came. */
  async function* winnersFrom(
    partition: string,
    series: string,
    interval: Interval,
    sequence: number,
    limits: WinnersLimits,
  ): AsyncGenerator<Run, number> {
    const winners = createWinners(interval, limits);
    let done = interval.from;
    for await (const page of hidingPagesOf(partition, series, interval, () => winners.reach)) {
      if (page === undefined) return done;
      const { opened, damaged } = await openPage(partition, page.shown, sequence);
      if (opened.length > 0) winners.add(opened.flat());
      // What a damaged block holds may hide what else reaches into its beginning.
      const nextFrom = damaged === undefined ? page.nextFrom : damaged.document.from_ms;
      // What no later block reaches is settled.
      const settled = Math.max(done, Math.min(winners.end, winners.settled(nextFrom)));
      if (settled > done) yield* winners.take(settled);
      done = settled;
      if (done >= winners.end) return done;
      if (damaged !== undefined) throw damaged.error;
    }
    return done;
  }

  /** As `pagesOf`, and then what starts after the interval, but before the `reach` of what was found in it. */
  async function* hidingPagesOf(
    partition: string,
    series: string,
    interval: Interval,
    reach: () => number,
  ): AsyncGenerator<BlockPage | undefined> {
    const check = await movesSince(partition);
    yield* pagesOf(partition, series, interval, BLOCKS_A_STEP, check);
    const range = { from: interval.to, to: reach() };
    if (range.to <= range.from) return;
    for await (const { blocks, nextFrom } of scanned(partition, series, range, BLOCKS_A_STEP)) {
      if (await check()) return yield undefined;
      yield { shown: blocks.filter(isShown), nextFrom };
    }
  }

  function openPage(partition: string, shown: readonly StoredBlock[], sequence: number) {
    const before = shown.filter((block) => nameOf(block).first <= sequence);
    if (before.length === 0) return { opened: [], damaged: undefined };
    return withBox(vault, partition, (box) =>
      openUntilDamaged(before, (document) =>
        openOrReport(damage, blockPlace(document), () => openSamples(box, document, sequence)),
      ),
    );
  }
}

function more({ samples, stretches }: WinnersLimits): WinnersLimits {
  return { samples: samples * MORE, stretches: stretches * MORE };
}

/** Whether readers are shown anything of it. */
export function isShown(document: StoredBlock): boolean {
  return isCompacted(document) || document.hidden === 0;
}

function nameOf(block: StoredBlock): BlockName {
  const { batch, item, from_ms: from, to_ms: to, until_ms: until } = block;
  const [first, last] = isCompacted(block)
    ? [block.first_sequence, block.last_sequence]
    : [block.sequence, block.sequence];
  return { name: `${batch} ${item}`, from, to, until, first, last };
}

function openSamples(box: PatientBox, document: StoredBlock, sequence: number): CommittedSamples[] {
  if (!isCompacted(document)) {
    const { columns, provenance } = box.openBlock(document);
    return [{ source: provenance, columns, rank: rankOf(document.sequence, document.item) }];
  }
  if (document.last_sequence > sequence) return samplesAsOf(box.openCompacted(document), sequence);
  const { source, hidden, ...first } = box.openShown(document);
  const layer = ({ columns, rank, ranks }: LayerSamples, isHidden: boolean): CommittedSamples => {
    return { source, columns, rank, each: { ranks, offset: 0 }, hidden: isHidden };
  };
  return [layer(first, false), ...hidden.map((one) => layer(one, true))];
}
