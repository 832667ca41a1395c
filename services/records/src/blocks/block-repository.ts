import { setImmediate as giveWay } from "node:timers/promises";
import type { DamageReporter } from "@wellapi/runtime";
import { type Store, scanPages } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { Interval } from "../model/interval.ts";
import { isObservationSeries } from "../model/observation-series-id.ts";
import type { SeriesDescriptor } from "../model/provenance.ts";
import { type BlockName, createBlockScan, nameOf, type StoredBlock } from "./block-scan.ts";
import { alone, type BlockReads, type ReadTogether, winnersAsOf } from "./block-winners.ts";
import { stripOf } from "./compacted-block.ts";
import { blockPlace, openOrReport, openUnlessDamaged, openUntilDamaged, seriesPlaceOf } from "./damage.ts";
import { isCompacted, type SeriesDocument } from "./documents.ts";
import { loadHead } from "./head-repository.ts";
import { createObservationSeries } from "./observation-series.ts";
import { createOpenedHours } from "./opened-hours.ts";
import { codeIdOf, type PatientBox, withBox } from "./patient-box.ts";
import { MAX_OVERHANG_MS, type SummarizedBlock, type Summary, summarize } from "./summary.ts";
import type { Run } from "./winners.ts";

/** A series with its unsealed descriptor. */
export interface KnownSeries {
  /** Opaque id; readers get series in its order. */
  readonly series: string;
  readonly descriptor: SeriesDescriptor;
}

/** About a year of minutes, of which only the summaries are opened. */
const SUMMARIES_A_STEP = { first: 40, later: 40 };
const SUMMARIES_ATTEMPTS = 3;
const BLOCKS_A_NAMED_PAGE = 40;
/** Of the store. */
const MOST_BLOCKS_A_PAGE = 10_000;
/** Samples of blocks as they arrived that are opened in one piece, or one block: everybody else waits meanwhile. */
const ARRIVED_SAMPLES_A_TURN = 50_000;
const SERIES_A_PAGE = 200;

/** Reads of stored series. */
export interface BlockRepository {
  /** The series of a code, by ascending id from `first` on. */
  series(partition: string, code: string, first?: string): AsyncGenerator<KnownSeries>;
  /**
   * The shown samples of a series that start in the interval, ascending, in bounded memory for any interval. Of a
   * series of observations all are shown, also several at one time, which come in separate runs.
   */
  winners(partition: string, series: string, interval: Interval): AsyncGenerator<Run>;
  /** The same for samples that were committed with `sequence` or before, without samples that were retracted since. */
  winnersAsOf(partition: string, series: string, interval: Interval, sequence: number): AsyncGenerator<Run>;
  /**
   * As `winners`, of several series of one kind that are read as one. Where its runs end tells of the blocks in which they lie: `evenRuns`
   * mends that.
   */
  winnersTogether(partition: string, together: ReadTogether, interval: Interval): AsyncGenerator<Run>;
  /** Identifies the blocks that reach into the interval, in no order: equal names mean equal content. */
  names(partition: string, series: string, interval: Interval): Promise<BlockName[]>;
  /** Changes with each commit of the patient. */
  revision(partition: string): Promise<number>;
  /**
   * The blocks that reach into the interval or hide samples of it, by their start, with their known hours; one block without hours where they do not
   * stand still for long enough. `revision` was read after the request came.
   */
  summaries(
    partition: string,
    series: string,
    interval: Interval,
    revision: number,
  ): Promise<SummarizedBlock[]>;
}

/** A series of observations is read by its own repository: its samples lie in other blocks, and none is hidden. */
export function createBlockRepository(store: Store, vault: Vault, damage: DamageReporter): BlockRepository {
  const reads: BlockReads = { store, vault, damage };
  const hours = createOpenedHours();
  const observed = createObservationSeries(store, vault, damage);

  async function revision(partition: string): Promise<number> {
    return (await loadHead(store, partition))?.revision ?? 0;
  }

  function shownOf(partition: string, together: ReadTogether, interval: Interval, sequence: number) {
    return isObservationSeries(together.series[0]!)
      ? observed.runsAsOf(partition, together, interval, sequence)
      : winnersAsOf(reads, partition, together, interval, sequence);
  }

  return {
    series: (partition, code, first) => seriesOfCode(reads, partition, code, first),

    winners: (partition, series, interval) =>
      shownOf(partition, alone(series), interval, Number.POSITIVE_INFINITY),

    winnersAsOf: (partition, series, interval, sequence) =>
      shownOf(partition, alone(series), interval, sequence),

    winnersTogether: (partition, together, interval) =>
      shownOf(partition, together, interval, Number.POSITIVE_INFINITY),

    names: (partition, series, interval) =>
      isObservationSeries(series)
        ? observed.names(partition, series, interval)
        : namesIn(reads, partition, series, interval),

    revision,

    async summaries(partition, series, asked, since) {
      // Samples of its last hour may reach beyond its end, and be hidden there.
      const interval = { from: asked.from, to: asked.to + MAX_OVERHANG_MS };
      const name = `${partition} ${series}`;
      for (let asOf = since, attempt = 1; ; asOf = await revision(partition), attempt++) {
        const known = await withBox(vault, partition, (box) => hours.get(box, name, asOf, interval));
        if (known !== undefined) return known;
        const blocks = isObservationSeries(series)
          ? await observed.summaries(partition, series, interval)
          : await summariesOnce(reads, partition, series, interval);
        // While an import is merged, samples move all the time. Reads of samples get on nevertheless.
        if (blocks === undefined && attempt === SUMMARIES_ATTEMPTS)
          return [{ ...interval, until: interval.to }];
        if (blocks === undefined) continue;
        await withBox(vault, partition, (box) =>
          hours.set(box, name, { ...interval, revision: asOf, blocks }),
        );
        return blocks;
      }
    },
  };
}

async function* seriesOfCode(
  { store, vault, damage }: BlockReads,
  partition: string,
  code: string,
  first: string | undefined,
): AsyncGenerator<KnownSeries> {
  const codeId = await codeIdOf(vault, partition, code);
  if (codeId === undefined) return;
  const scan = {
    index: "by_code",
    equals: [partition, codeId],
    limit: SERIES_A_PAGE,
    ...(first === undefined ? {} : { range: { from: first } }),
  };
  for await (const page of scanPages<SeriesDocument>(store, "series", scan)) {
    const known = await withBox(vault, partition, (box) =>
      openUntilDamaged(page.documents, ({ document }) => ({
        series: document.series,
        descriptor: openOrReport(damage, seriesPlaceOf(document), () => box.openSeries(document)),
      })),
    );
    yield* known.opened;
    if (known.damaged !== undefined) throw known.damaged.error;
  }
}

/**
 * Piece by piece: each is as it was at one time, so an import that is being merged holds nobody up. A block that was merged between two pieces stays
 * among the names: they are then unlike those of any other time, and whoever compares them looks again.
 */
async function namesIn(
  { store }: BlockReads,
  partition: string,
  series: string,
  { from, to }: Interval,
): Promise<BlockName[]> {
  const scan = createBlockScan(store, partition, [series]);
  const names = new Map<string, BlockName>();
  let size = BLOCKS_A_NAMED_PAGE;
  for (let done = from; done < to; ) {
    let reached = done;
    for await (const page of scan.hiding({ from: done, to }, { first: size, later: size }, () => to)) {
      if (page === undefined) break;
      for (const block of page.shown.map(nameOf)) names.set(block.name, block);
      reached = Math.max(reached, page.nextFrom);
    }
    // Not reached: the first page, the one that nobody can move, is full of blocks that start before the piece.
    size = reached > done ? BLOCKS_A_NAMED_PAGE : Math.min(4 * size, MOST_BLOCKS_A_PAGE);
    done = reached;
  }
  return [...names.values()];
}

/** Undefined where samples were moved meanwhile. */
async function summariesOnce(
  { store, vault, damage }: BlockReads,
  partition: string,
  series: string,
  interval: Interval,
): Promise<SummarizedBlock[] | undefined> {
  const blocks: SummarizedBlock[] = [];
  const scan = createBlockScan(store, partition, [series]);
  for await (const page of scan.reachingInto(interval, SUMMARIES_A_STEP)) {
    if (page === undefined) return undefined;
    for (const turn of turnsOf(page.shown)) {
      blocks.push(
        ...(await withBox(vault, partition, (box) =>
          turn.map((document) => {
            // A damaged summary is only a lost cache: the samples give the same result, or say that they are damaged.
            const summary = openUnlessDamaged(damage, blockPlace(document), () => hoursOf(box, document));
            return { from: document.from_ms, to: document.to_ms, until: document.until_ms, summary };
          }),
        )),
      );
      if (turn !== page.shown) await giveWay();
    }
  }
  return blocks;
}

/**
 * A block that arrived within the last half hour has no hours yet (docs/decisions/0018), and is here already: its samples are added up instead of being
 * read in a second pass. None of them hides another, as they are of one item.
 */
function hoursOf(box: PatientBox, document: StoredBlock): Summary | undefined {
  return isCompacted(document)
    ? box.openSummary(document)
    : summarize(stripOf(box.openBlock(document), document), 1);
}

/** What is opened one after another, in pieces of some milliseconds. */
function turnsOf(shown: readonly StoredBlock[]): readonly (readonly StoredBlock[])[] {
  const samples = shown.reduce((sum, block) => sum + (isCompacted(block) ? 0 : block.count), 0);
  if (samples <= ARRIVED_SAMPLES_A_TURN) return [shown];
  const turns: StoredBlock[][] = [[]];
  let opened = 0;
  for (const block of shown) {
    const count = isCompacted(block) ? 0 : block.count;
    if (opened > 0 && opened + count > ARRIVED_SAMPLES_A_TURN) {
      turns.push([]);
      opened = 0;
    }
    opened += count;
    turns.at(-1)!.push(block);
  }
  return turns;
}
