import type { DamageReporter } from "@wellapi/runtime";
import { type Store, scanPages } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { Interval } from "../model/interval.ts";
import { mergedStreams } from "../model/merged-streams.ts";
import { withoutDevice } from "../model/provenance.ts";
import { sequenceOf } from "../model/rank.ts";
import { MAX_BLOCK_SPAN_MS } from "./block-limits.ts";
import type { BlockName } from "./block-scan.ts";
import { alone, type ReadTogether } from "./block-winners.ts";
import type { Strip } from "./compacted-block.ts";
import { blockPlace, openOrReport, openUntilDamaged } from "./damage.ts";
import type { ObservationBlockDocument } from "./documents.ts";
import { inOrder, type ObservedSample, observedRuns, sampleOf } from "./observation-samples.ts";
import { type PatientBox, withBox } from "./patient-box.ts";
import { type SummarizedBlock, summarize } from "./summary.ts";
import type { Run } from "./winners.ts";

const BLOCKS_A_STEP = 16;

/**
 * Observations with numbers as values, as samples of separate series: all of them are shown, whatever was sent later,
 * ascending by time, then in the order of arrival.
 */
export function createObservationSeries(store: Pick<Store, "scan">, vault: Vault, damage: DamageReporter) {
  /** In order; in bounded memory, since a block spans at most 31 days. */
  async function* samplesOf(
    partition: string,
    { series, unnamed }: ReadTogether,
    { from, to }: Interval,
    sequence: number,
  ): AsyncGenerator<readonly ObservedSample[]> {
    let held: ObservedSample[] = [];
    for await (const { blocks, next } of scannedTogether(store, partition, series, {
      from: from - MAX_BLOCK_SPAN_MS,
      to,
    })) {
      const wanted = blocks.filter((block) => block.sequence <= sequence && block.to_ms > from);
      const { opened, damaged } = await withBox(vault, partition, (box) =>
        openUntilDamaged(wanted, (document) => open(box, document, unnamed.has(document.series))),
      );
      held.push(...opened.flat().filter(({ time }) => from <= time && time < to));
      held.sort(inOrder);
      const settled = damaged === undefined ? next : damaged.document.from_ms;
      const end = held.findIndex(({ time }) => time >= settled);
      const done = end < 0 ? held : held.slice(0, end);
      held = end < 0 ? [] : held.slice(end);
      if (done.length > 0) yield done;
      if (damaged !== undefined) throw damaged.error;
    }
  }

  function open(box: PatientBox, document: ObservationBlockDocument, isUnnamed = false): ObservedSample[] {
    const place = blockPlace(document, "observation_blocks");
    const records = openOrReport(damage, place, () => box.openObservations(document));
    return records.flatMap((record) => {
      const told = isUnnamed ? { ...record, provenance: withoutDevice(record.provenance) } : record;
      return sampleOf(told, document.sequence) ?? [];
    });
  }

  async function* runsAsOf(
    partition: string,
    together: ReadTogether,
    interval: Interval,
    sequence: number,
  ): AsyncGenerator<Run> {
    for await (const samples of samplesOf(partition, together, interval, sequence)) {
      yield* observedRuns(samples);
    }
  }

  return {
    /** The samples that start in the interval, of one series or of several together; only those that were committed with `sequence` or before. */
    runsAsOf,

    /** The runs of a block that has just arrived. */
    runsIn: (box: PatientBox, document: ObservationBlockDocument): Run[] =>
      observedRuns(open(box, document).sort(inOrder)),

    async names(partition: string, series: string, { from, to }: Interval): Promise<BlockName[]> {
      const names: BlockName[] = [];
      for await (const { blocks } of scanned(store, partition, series, {
        from: from - MAX_BLOCK_SPAN_MS,
        to,
      })) {
        for (const { batch, item, from_ms, to_ms, until_ms, sequence } of blocks) {
          if (to_ms <= from) continue;
          const name = `${batch} ${item}`;
          names.push({ name, from: from_ms, to: to_ms, until: until_ms, first: sequence, last: sequence });
        }
      }
      return names;
    },

    /** The hours of all samples that start in the interval. */
    async summaries(partition: string, series: string, interval: Interval): Promise<SummarizedBlock[]> {
      const blocks: SummarizedBlock[] = [];
      for await (const run of runsAsOf(partition, alone(series), interval, Number.POSITIVE_INFINITY)) {
        const { times, durationMs } = run.columns;
        const last = times.at(-1)!;
        const until = last + Math.max(1, durationMs as number);
        blocks.push({ from: times[0]!, to: last + 1, until, summary: summarize(stripOf(run), 1) });
      }
      return blocks;
    },
  };
}

/** Blocks that start within the range, step by step. No block of a later step starts before `next`. */
async function* scanned(store: Pick<Store, "scan">, partition: string, series: string, range: Interval) {
  const scan = { index: "by_from", equals: [partition, series], range, limit: BLOCKS_A_STEP };
  const found = scanPages<ObservationBlockDocument>(store, "observation_blocks", scan);
  for await (const { documents, cursor } of found) {
    const blocks = documents.map(({ document }) => document);
    const next = cursor === undefined ? Number.POSITIVE_INFINITY : blocks.at(-1)!.from_ms;
    yield { blocks: blocks.filter(({ hidden }) => hidden === 0), next };
  }
}

/** The same of several series, in the order of their starts. */
async function* scannedTogether(
  store: Pick<Store, "scan">,
  partition: string,
  series: readonly string[],
  range: Interval,
) {
  if (series.length === 1) return yield* scanned(store, partition, series[0]!, range);
  const each = series.map(async function* (one) {
    for await (const { blocks } of scanned(store, partition, one, range)) yield* blocks;
  });
  for await (const block of mergedStreams(each, (a, b) => a.from_ms - b.from_ms)) {
    yield { blocks: [block], next: block.from_ms };
  }
  yield { blocks: [], next: Number.POSITIVE_INFINITY };
}

export type ObservationSeries = ReturnType<typeof createObservationSeries>;

function stripOf({ source, columns, ranks }: Run): Strip {
  const origins = Array.from(ranks!(), (rank) => {
    return { sequence: sequenceOf(rank), item: 0, received: 0, consent: "", version: 0 };
  });
  return { source, columns, origins };
}
