import type { DamageReporter } from "@wellapi/runtime";
import { pages, type Store } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { RecordsError } from "../errors.ts";
import type { Interval } from "../model/interval.ts";
import type { ObservationRecord } from "../model/observation.ts";
import { MAX_BLOCK_SPAN_MS } from "./block-limits.ts";
import { blockPlace, openOrReport, openUntilDamaged } from "./damage.ts";
import type { ObservationBlockDocument } from "./documents.ts";
import { codeIdOf, type PatientBox, withBox } from "./patient-box.ts";

/** A stored observation. Newest first means: by time, then by batch and item. */
export interface StoredObservation {
  /** Internal id of its batch. */
  readonly batch: string;
  readonly sequence: number;
  readonly record: ObservationRecord;
}

/** Where a page begins: after this observation. */
export interface ObservationPosition {
  readonly time: number;
  readonly batch: string;
  readonly item: number;
}

/** A page mostly lies in one or two blocks; later pages of one read open more at a time. */
const FIRST_BLOCKS = 2;
const MOST_BLOCKS_A_STEP = 16;
const BLOCKS_OF_A_BATCH = 1_000;

/** Reads of stored observations. */
export interface ObservationRepository {
  /** Observations of a code within `interval`, newest first, after `position`; in bounded memory. */
  newestFirst(
    partition: string,
    code: string,
    interval: Interval,
    position?: ObservationPosition,
  ): AsyncGenerator<StoredObservation>;
  /** One observation; undefined also where it is hidden. */
  find(partition: string, batch: string, item: number): Promise<StoredObservation | undefined>;
}

export function createObservationRepository(
  store: Store,
  vault: Vault,
  damage: DamageReporter,
): ObservationRepository {
  async function open(partition: string, documents: readonly ObservationBlockDocument[]) {
    const { opened, damaged } = await withBox(vault, partition, (box) =>
      openUntilDamaged(documents, (document) => openOne(box, document)),
    );
    return { opened: opened.flat(), damaged };
  }

  function openOne(box: PatientBox, document: ObservationBlockDocument): StoredObservation[] {
    const place = blockPlace(document, "observation_blocks");
    const records = openOrReport(damage, place, () => box.openObservations(document));
    return records.map((record) => ({ batch: document.batch, sequence: document.sequence, record }));
  }

  return {
    async *newestFirst(partition, code, interval, position) {
      const codeId = await codeIdOf(vault, partition, code);
      if (codeId === undefined) return;
      const newest = Math.min(interval.to, position === undefined ? interval.to : position.time + 1);
      const wanted = (candidate: StoredObservation) =>
        candidate.record.time >= interval.from &&
        candidate.record.time < newest &&
        (position === undefined || compare(positionOf(candidate), position) > 0);
      let held: StoredObservation[] = [];
      let limit = FIRST_BLOCKS;
      const read = (cursor: string | undefined) =>
        store.scan<ObservationBlockDocument>("observation_blocks", {
          index: "by_to",
          equals: [partition, codeId],
          // A block that reaches into the interval ends at most 31 days after it.
          range: { after: interval.from, to: newest + MAX_BLOCK_SPAN_MS + 1 },
          order: "descending",
          limit,
          ...(cursor === undefined ? {} : { cursor }),
        });
      for await (const page of pages(read)) {
        const shown = page.documents
          .map(({ document }) => document)
          .filter(({ hidden, from_ms }) => hidden === 0 && from_ms < newest);
        const { opened, damaged } = await open(partition, shown);
        held.push(...opened.filter(wanted));
        held.sort((a, b) => compare(positionOf(a), positionOf(b)));
        limit = Math.min(2 * limit, MOST_BLOCKS_A_STEP);
        // Later blocks end no later than the last one that was read: newer observations are final.
        const settled =
          damaged?.document.to_ms ??
          (page.cursor === undefined ? Number.NEGATIVE_INFINITY : page.documents.at(-1)!.document.to_ms);
        yield* held.filter(({ record }) => record.time >= settled);
        if (damaged !== undefined) throw damaged.error;
        held = held.filter(({ record }) => record.time < settled);
      }
    },

    async find(partition, batch, item) {
      const { documents } = await store.scan<ObservationBlockDocument>("observation_blocks", {
        equals: [partition, batch],
        range: { to: item + 1 },
        limit: BLOCKS_OF_A_BATCH,
      });
      const shown = documents.map(({ document }) => document).filter(({ hidden }) => hidden === 0);
      let failure: RecordsError | undefined;
      // Each block separately: the observation may lie in an undamaged one.
      for (const document of shown) {
        const { opened, damaged } = await open(partition, [document]);
        const found = opened.find(({ record }) => record.item === item);
        if (found !== undefined) return found;
        failure ??= damaged?.error;
      }
      if (failure !== undefined) throw failure;
      return undefined;
    },
  };
}

export function positionOf({ batch, record }: StoredObservation): ObservationPosition {
  return { time: record.time, batch, item: record.item };
}

function compare(a: ObservationPosition, b: ObservationPosition): number {
  return b.time - a.time || (a.batch < b.batch ? -1 : a.batch > b.batch ? 1 : 0) || a.item - b.item;
}
