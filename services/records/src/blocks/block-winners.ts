import type { DamageReporter } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { Interval } from "../model/interval.ts";
import { withoutDevice } from "../model/provenance.ts";
import { rankOf } from "../model/rank.ts";
import { samplesAsOf } from "./as-of.ts";
import { type BlockPage, createBlockScan, nameOf, type StoredBlock } from "./block-scan.ts";
import type { CommittedSamples } from "./committed-samples.ts";
import type { LayerSamples } from "./compacted-block.ts";
import { blockPlace, openOrReport, openUntilDamaged } from "./damage.ts";
import { isCompacted } from "./documents.ts";
import { type PatientBox, withBox } from "./patient-box.ts";
import { createWinners, type Run, usualLimits, type WinnersLimits } from "./winners.ts";

/** If the blocks that hide a sample are more than the usual limit of held blocks, this many times more are held. */
const MORE = 4;
/**
 * Blocks read at a time, sealed. At first the one that the reader wants and the one where its samples become final: a query
 * often needs no more, and a block may have a hundred kilobytes.
 */
const BLOCKS_A_PAGE = { first: 2, later: 8 };
/**
 * Samples opened at a time, or one block, which has at most 100,000: the next are opened when the reader has taken
 * what these gave, so this bounds a reader's memory.
 */
const SAMPLES_A_STEP = 50_000;
/**
 * As many of the first step: a query often needs no more, and a compacted block has no more. What is opened in one piece
 * also keeps everybody else waiting.
 */
const SAMPLES_OF_FIRST_STEP = 16_000;

/** The series that are read as one: of several each hides samples of the others. */
export interface ReadTogether {
  /** At least one. */
  readonly series: readonly string[];
  /** Those whose device is not told. */
  readonly unnamed: ReadonlySet<string>;
}

const everyNamed: ReadonlySet<string> = new Set();

/** One series, as it is. */
export function alone(series: string): ReadTogether {
  return { series: [series], unnamed: everyNamed };
}

/** What reads and opens blocks. */
export interface BlockReads {
  readonly store: Pick<Store, "get" | "scan">;
  readonly vault: Vault;
  readonly damage: DamageReporter;
}

/**
 * The shown samples of a series, or of several as one, that start in the interval, ascending, in bounded memory for any interval; only those
 * that were committed with `sequence` or before, without samples that were retracted since.
 */
export async function* winnersAsOf(
  reads: BlockReads,
  partition: string,
  together: ReadTogether,
  interval: Interval,
  sequence: number,
): AsyncGenerator<Run> {
  // Samples that cannot be held together, or were moved meanwhile, are read in several rounds.
  let limits = usualLimits;
  for (let { from } = interval; from < interval.to; ) {
    const rest = { from, to: interval.to };
    const reached = yield* winnersFrom(reads, partition, together, rest, { sequence, limits });
    limits = reached > from ? usualLimits : more(limits);
    from = reached;
  }
}

/** Returns the position that it reached. */
async function* winnersFrom(
  reads: BlockReads,
  partition: string,
  { series, unnamed }: ReadTogether,
  interval: Interval,
  { sequence, limits }: { readonly sequence: number; readonly limits: WinnersLimits },
): AsyncGenerator<Run, number> {
  const winners = createWinners(interval, limits);
  const scan = createBlockScan(reads.store, partition, series);
  let done = interval.from;
  let most = SAMPLES_OF_FIRST_STEP;
  for await (const page of scan.hiding(interval, BLOCKS_A_PAGE, () => winners.reach)) {
    if (page === undefined) return done;
    for (const { shown, nextFrom } of stepsOf(page, most)) {
      const { opened, damaged } = await openBlocks(reads, partition, { shown, unnamed }, sequence);
      if (opened.length > 0) winners.add(opened.flat());
      // A damaged block may hide samples of the blocks that reach into its beginning.
      const next = damaged === undefined ? nextFrom : damaged.document.from_ms;
      // Samples that no later block reaches are final.
      const settled = Math.max(done, Math.min(winners.end, winners.settled(next)));
      if (settled > done) yield* winners.take(settled);
      done = settled;
      if (done >= winners.end) return done;
      if (damaged !== undefined) throw damaged.error;
      most = SAMPLES_A_STEP;
    }
  }
  return done;
}

/** Parts of a page that are opened one after another: the first with at most `first` samples, or one block. */
function* stepsOf({ shown, nextFrom }: BlockPage, first: number): Generator<BlockPage> {
  let start = 0;
  let samples = 0;
  let most = first;
  for (const [at, { count, from_ms }] of shown.entries()) {
    if (at > start && samples + count > most) {
      yield { shown: shown.slice(start, at), nextFrom: from_ms };
      start = at;
      samples = 0;
      most = SAMPLES_A_STEP;
    }
    samples += count;
  }
  yield { shown: shown.slice(start), nextFrom };
}

function more({ samples, stretches }: WinnersLimits): WinnersLimits {
  return { samples: samples * MORE, stretches: stretches * MORE };
}

function openBlocks(
  { vault, damage }: BlockReads,
  partition: string,
  { shown, unnamed }: Pick<BlockPage, "shown"> & Pick<ReadTogether, "unnamed">,
  sequence: number,
) {
  const before = shown.filter((block) => nameOf(block).first <= sequence);
  if (before.length === 0) return { opened: [], damaged: undefined };
  return withBox(vault, partition, (box) =>
    openUntilDamaged(before, (document) =>
      openOrReport(damage, blockPlace(document), () => {
        const opened = openSamples(box, document, sequence);
        if (!unnamed.has(document.series)) return opened;
        return opened.map((samples) => ({ ...samples, source: withoutDevice(samples.source) }));
      }),
    ),
  );
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
