import type { DamageReporter } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { RecordsError } from "../errors.ts";
import { blockPlace, openOrReport, openUntilDamaged } from "./damage.ts";
import type { ObservationBlockDocument } from "./documents.ts";
import { inOrder, type ScannedObservations, type StoredObservation } from "./observation-scan.ts";
import { type PatientBox, withBox } from "./patient-box.ts";

const BLOCKS_OF_A_BATCH = 1_000;

/** Reads of stored observations. */
export interface ObservationRepository {
  /**
   * Observations of a code within `interval`, by time, after `position`: newest first in bounded memory, or oldest first in the memory of
   * the observations of 31 days.
   */
  inOrder(scanned: ScannedObservations): AsyncGenerator<StoredObservation>;
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

  const scan = { store, vault, open };
  return {
    inOrder: (scanned) => inOrder(scan, scanned),

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
