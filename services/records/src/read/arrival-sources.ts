import type { DamageReporter } from "@wellapi/runtime";
import { pickColumns } from "@wellapi/series";
import { type Document, scanPages } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { Strip } from "../blocks/compacted-block.ts";
import { blockPlace, openOrReport, openUntilDamaged } from "../blocks/damage.ts";
import {
  type BlockDocument,
  type CompactedDocument,
  type CompactedPlace,
  isCompacted,
  type ObservationBlockDocument,
  type TombstoneDocument,
} from "../blocks/documents.ts";
import { createObservationSeries } from "../blocks/observation-series.ts";
import { withBox } from "../blocks/patient-box.ts";
import type { Run } from "../blocks/winners.ts";
import { rankOf } from "../model/rank.ts";
import type { Reads } from "./shared-reads.ts";

/** Samples of one commit. */
export interface Samples {
  readonly sequence: number;
  /** MAC of the code. */
  readonly code: string;
  /** Runs that belong together, at least one; of samples exactly one. */
  open(): Promise<readonly Run[]>;
}

export type Arrival = Samples | TombstoneDocument;

/** Documents of a step; a block has at most 1 MiB. */
const COMMITS_A_STEP = 16;
/** Most commits that are extracted from compacted blocks at a time. */
const COMPACTED_COMMITS_A_STEP = 256;

/** Samples were moved between two steps, so that some may have been missed. */
export class Moved extends Error {}

/** The requested commits, and the requested part of them. */
export interface ArrivalQuery {
  readonly partition: string;
  /** Commits after this sequence, and up to `to`. */
  readonly after: number;
  readonly to: number;
  /** MACs of codes. */
  readonly codes: ReadonlySet<string>;
  /** Throws Moved if samples were moved since the query began. */
  readonly check: () => Promise<void>;
}

export interface ArrivalDeps {
  readonly reads: Reads;
  readonly vault: Vault;
  readonly damage: DamageReporter;
}

type Place = Pick<CompactedPlace, "batch" | "item" | "first_sequence" | "last_sequence">;

/** The places of arrivals: each source returns its own, ascending by sequence. All readers share opened blocks. */
export class ArrivalSources {
  readonly #deps: ArrivalDeps;
  readonly #observations: ReturnType<typeof createObservationSeries>;
  /** As long as any reader that shares the document holds it. */
  readonly #opened = new WeakMap<BlockDocument | ObservationBlockDocument, Promise<readonly Run[]>>();

  constructor(deps: ArrivalDeps) {
    this.#deps = deps;
    this.#observations = createObservationSeries(deps.reads, deps.vault, deps.damage);
  }

  /** Samples in their original blocks. */
  async *arrived(query: ArrivalQuery): AsyncGenerator<Samples> {
    for await (const document of this.#scanned<BlockDocument>("blocks", query, query.check)) {
      const { sequence, code } = document;
      if (!query.codes.has(code) || document.hidden > 0) continue;
      yield { sequence, code, open: () => this.#openOnce(document, () => this.#openBlock(document)) };
    }
  }

  /** Observations that are samples; they are never moved. */
  async *observed(query: ArrivalQuery): AsyncGenerator<Samples> {
    const { vault } = this.#deps;
    for await (const document of this.#scanned<ObservationBlockDocument>("observation_blocks", query)) {
      const { partition, sequence, code, series } = document;
      if (series === "" || !query.codes.has(code) || document.hidden > 0) continue;
      const open = () => withBox(vault, partition, (box) => this.#observations.runsIn(box, document));
      yield { sequence, code, open: () => this.#openOnce(document, open) };
    }
  }

  retractions(query: ArrivalQuery): AsyncGenerator<TombstoneDocument> {
    return this.#scanned<TombstoneDocument>("tombstones", query);
  }

  /** Samples that were moved into compacted blocks. Throws Moved. */
  async *compacted(query: ArrivalQuery): AsyncGenerator<Samples> {
    const { after, to, check } = query;
    const places = await this.#compactedSince(query);
    await check();
    for (let low = after; ; ) {
      const left = places.filter((place) => place.last_sequence > low);
      const next = left.reduce((least, place) => Math.min(least, place.first_sequence), to + 1);
      const high = Math.min(to, Math.max(low + 1, next) - 1 + COMPACTED_COMMITS_A_STEP);
      if (left.length === 0 || next > to) return;
      const samples: Samples[] = [];
      for (const place of left) {
        if (place.first_sequence <= high) samples.push(...(await this.#openPlace(query, place, low, high)));
      }
      yield* samples.sort((a, b) => a.sequence - b.sequence);
      if (high >= to) return;
      low = high;
    }
  }

  /** The places of compacted blocks with commits after `after`. */
  async #compactedSince({ partition, after, codes }: ArrivalQuery): Promise<Place[]> {
    const places: Place[] = [];
    const scan = { index: "by_last_sequence", equals: [partition], range: { after }, limit: COMMITS_A_STEP };
    for await (const page of scanPages<CompactedDocument>(this.#deps.reads, "blocks", scan)) {
      for (const { document } of page.documents) {
        const { batch, item, code, first_sequence, last_sequence } = document;
        if (codes.has(code)) places.push({ batch, item, first_sequence, last_sequence });
      }
    }
    return places;
  }

  /** The part of a compacted block with the commits `low` < sequence <= `high`. */
  async #openPlace({ partition }: ArrivalQuery, place: Place, low: number, high: number): Promise<Samples[]> {
    const { reads, vault, damage } = this.#deps;
    const { batch, item, first_sequence } = place;
    const stored = await reads.get<BlockDocument | CompactedDocument>("blocks", [partition, batch, item]);
    if (stored === undefined || !isCompacted(stored.document)) throw new Moved();
    const { document } = stored;
    const { opened, damaged } = await withBox(vault, partition, (box) =>
      openUntilDamaged([document], () =>
        openOrReport(damage, blockPlace(document), () => box.openCompacted(document)),
      ),
    );
    const samples: Samples[] = [];
    // In order: earlier commits are delivered first, and then the watch ends.
    if (damaged !== undefined) {
      const sequence = Math.max(low + 1, first_sequence);
      samples.push({ sequence, code: document.code, open: () => Promise.reject(damaged.error) });
    }
    for (const run of opened.flat().flatMap((strip) => commitsOf(strip, low, high))) {
      samples.push({ sequence: run.sequence, code: document.code, open: async () => [run] });
    }
    return samples;
  }

  #openBlock(document: BlockDocument): Promise<readonly Run[]> {
    const { vault, damage } = this.#deps;
    return withBox(vault, document.partition, (box): readonly Run[] => {
      const { columns, provenance } = openOrReport(damage, blockPlace(document), () =>
        box.openBlock(document),
      );
      const { sequence, item } = document;
      const ranks = () => new Float64Array(columns.times.length).fill(rankOf(sequence, item));
      return [{ source: provenance, columns, sequence, ranks }];
    });
  }

  #openOnce(
    document: BlockDocument | ObservationBlockDocument,
    open: () => Promise<readonly Run[]>,
  ): Promise<readonly Run[]> {
    const known = this.#opened.get(document);
    if (known !== undefined) return known;
    const runs = open();
    this.#opened.set(document, runs);
    return runs;
  }

  async *#scanned<D extends Document>(
    collection: string,
    { partition, after, to }: ArrivalQuery,
    check?: () => Promise<void>,
  ): AsyncGenerator<D> {
    const range = { after, to: to + 1 };
    const scan = { index: "by_sequence", equals: [partition], range, limit: COMMITS_A_STEP };
    for await (const page of scanPages<D>(this.#deps.reads, collection, scan)) {
      await check?.();
      for (const { document } of page.documents) yield document;
    }
  }
}

/** The strip's samples by commit, with `low` < sequence <= `high`. */
function commitsOf({ source, columns, origins }: Strip, low: number, high: number): Run[] {
  const positions = new Map<number, number[]>();
  for (const [at, { sequence }] of origins.entries()) {
    if (sequence <= low || sequence > high) continue;
    const known = positions.get(sequence);
    if (known === undefined) positions.set(sequence, [at]);
    else known.push(at);
  }
  return [...positions].map(([sequence, those]) => {
    const ranks = () => Float64Array.from(those, (at) => rankOf(sequence, origins[at]!.item));
    return { source, columns: pickColumns(columns, Uint32Array.from(those)), sequence, ranks };
  });
}
