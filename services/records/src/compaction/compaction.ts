import type { Ids } from "@wellapi/runtime";
import { BLOCK_LIMITS, type Columns, pickColumns, reachOf, sameFormat, stackBlocks } from "@wellapi/series";
import type { Change } from "@wellapi/store";
import { MAX_BLOCK_REACH_MS, MAX_BLOCK_SPAN_MS } from "../blocks/block-limits.ts";
import type { CompactedBlock, Strip } from "../blocks/compacted-block.ts";
import type { BlockPlace, CompactedDocument, CompactedPlace } from "../blocks/documents.ts";
import type { PatientBox } from "../blocks/patient-box.ts";
import { summarize } from "../blocks/summary.ts";
import { sourceKey } from "../model/provenance.ts";
import { rankOf } from "../model/rank.ts";

/** Samples of a full block; a block may have half as many more. About 11 days of minutes, and 10 to 20 KB. */
export const FULL_SAMPLES = 16_000;

const limits = { samples: FULL_SAMPLES, spanMs: MAX_BLOCK_SPAN_MS - 1, reachMs: MAX_BLOCK_REACH_MS };

/**
 * The same samples in as few blocks as possible. Hidden samples are kept: they show again when the samples above them
 * are removed, and they hide earlier ones.
 *
 * @param strips of one series
 */
export function compact(strips: readonly Strip[]): CompactedBlock[] {
  return classesOf(strips).flatMap((members) => {
    const ordered = members.toSorted((a, b) => a.columns.times[0]! - b.columns.times[0]!);
    const origins = ordered.flatMap((strip) => strip.origins);
    const blocks = ordered.map((strip) => {
      return {
        columns: strip.columns,
        ranks: Float64Array.from(strip.origins, ({ sequence, item }) => rankOf(sequence, item)),
      };
    });
    return stackBlocks(blocks, limits).map((layers) =>
      layers.map((layer): Strip => {
        const { source } = ordered[0]!;
        return { source, columns: layer.columns, origins: Array.from(layer.origins, (at) => origins[at]!) };
      }),
    );
  });
}

/** Strips that fit into one block: of one source and format, and within the limits of a dictionary. */
function classesOf(strips: readonly Strip[]): Strip[][] {
  const classes: { members: Strip[]; source: string; codings: Set<string> }[] = [];
  for (const strip of strips) {
    if (strip.columns.times.length === 0) continue;
    const source = sourceKey(strip.source);
    const codings = codingsOf(strip.columns);
    const known = classes.find(
      (one) =>
        one.source === source &&
        sameFormat(one.members[0]!.columns, strip.columns) &&
        (codings.size === 0 || one.codings.union(codings).size <= BLOCK_LIMITS.dictionary),
    );
    if (known === undefined) classes.push({ members: [strip], source, codings });
    else {
      known.members.push(strip);
      for (const coding of codings) known.codings.add(coding);
    }
  }
  return classes.map(({ members }) => members);
}

function codingsOf({ values }: Columns): Set<string> {
  if (values.kind !== "coded") return new Set();
  return new Set(
    values.dictionary.map(({ system, code, display }) => JSON.stringify([system, code, display])),
  );
}

/** Inserts the samples as compacted blocks of a series. */
export function compactedInserts(
  box: PatientBox,
  { partition, series, code }: Pick<BlockPlace, "partition" | "series" | "code">,
  strips: readonly Strip[],
  ids: Ids,
): Change[] {
  return compact(strips).map((block): Change => {
    const starts = block.map(({ columns }) => columns.times);
    const sequences = block.flatMap(({ origins }) => origins.map(({ sequence }) => sequence));
    const place: CompactedPlace = {
      partition,
      batch: ids.next("bat"),
      item: 0,
      series,
      code,
      from_ms: Math.min(...starts.map((times) => times[0]!)),
      to_ms: Math.max(...starts.map((times) => times.at(-1)!)) + 1,
      until_ms: Math.max(...block.map(({ columns }) => reachOf(columns))),
      count: sequences.length,
      first_sequence: sequences.reduce((a, b) => Math.min(a, b)),
      last_sequence: sequences.reduce((a, b) => Math.max(a, b)),
    };
    const summary = summarize(block[0]!);
    const document: CompactedDocument = {
      ...place,
      sealed: box.sealCompacted(place, block),
      summary: summary && box.sealSummary(place, summary),
    };
    return { kind: "insert", collection: "blocks", document };
  });
}

/** The rest of a block without the samples of some commits. */
export function without(block: CompactedBlock, sequences: ReadonlySet<number>): Strip[] {
  return block.flatMap(({ source, columns, origins }) => {
    const left = Uint32Array.from(origins.keys()).filter((at) => !sequences.has(origins[at]!.sequence));
    if (left.length === 0) return [];
    return [{ source, columns: pickColumns(columns, left), origins: Array.from(left, (at) => origins[at]!) }];
  });
}
