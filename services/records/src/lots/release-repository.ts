import type { DamageReporter } from "@wellapi/runtime";
import { type Change, type Store, type Stored, scanPages } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import { openOrReport } from "../blocks/damage.ts";
import type { ReleaseDocument, ReleasePlace } from "../blocks/documents.ts";
import { headChange, loadHead } from "../blocks/head-repository.ts";
import { withBox } from "../blocks/patient-box.ts";
import type { PatientQueue } from "../blocks/patient-queue.ts";
import type { MonthOfLots } from "./release-codec.ts";
import { openLots, openTold, sealRelease } from "./release-seals.ts";
import { emptyTold, type ToldSamples } from "./told-samples.ts";

/** A month of a series' releases. */
export interface ToldMonth extends MonthOfLots {
  readonly month: number;
  /** Undefined while nothing of it is stored. */
  readonly stored: Stored<ReleaseDocument> | undefined;
}

/** The new content of a month. */
export interface NextMonth extends MonthOfLots {
  readonly month: number;
  readonly stored: Stored<ReleaseDocument> | undefined;
  readonly told: ToldSamples;
}

/** The lots that readers of hourly and daily data were told. Throws StoreError, VaultError, DATA_DAMAGED. */
export interface ReleaseRepository {
  /** The months `[from, to)` with stored content, ascending. */
  months(partition: string, series: string, from: number, to: number): Promise<ToldMonth[]>;
  /** The samples of the month in lots. */
  told(month: ToldMonth): Promise<ToldSamples>;
  /**
   * Writes months of a series in one commit, each under the revision that was read; months without stored content are
   * inserted. Resolves with the revisions of the head before and after; undefined where another commit, or the
   * patient's erasure, came first: then nothing is written.
   */
  save(
    partition: string,
    series: string,
    months: readonly NextMonth[],
  ): Promise<{ readonly before: number; readonly after: number } | undefined>;
}

const MONTHS_A_PAGE = 60;
export function createReleaseRepository(
  store: Store,
  vault: Vault,
  queue: PatientQueue,
  damage: DamageReporter,
): ReleaseRepository {
  const placeOf = ({ partition, series, month }: ReleaseDocument) => ({
    collection: "releases" as const,
    key: [partition, series, month],
  });

  return {
    async months(partition, series, from, to) {
      const months: ToldMonth[] = [];
      const scan = { equals: [partition, series], range: { from, to }, limit: MONTHS_A_PAGE };
      for await (const page of scanPages<ReleaseDocument>(store, "releases", scan)) {
        const opened = await withBox(vault, partition, (box) =>
          page.documents.map((stored): ToldMonth => {
            const { document } = stored;
            const lots = openOrReport(damage, placeOf(document), () => openLots(box, document));
            return { ...lots, month: document.month, stored };
          }),
        );
        months.push(...opened);
      }
      return months;
    },

    async told({ stored }) {
      if (stored === undefined) return emptyTold();
      const { document } = stored;
      return withBox(vault, document.partition, (box) =>
        openOrReport(damage, placeOf(document), () => openTold(box, document)),
      );
    },

    save: (partition, series, months) =>
      queue.run(partition, async () => {
        const head = await loadHead(store, partition);
        if (head === undefined || head.document.erased) return undefined;
        const changes = await withBox(vault, partition, (box) =>
          months.map((next): Change => {
            const { month, stored } = next;
            const version = (stored?.document.version ?? 0) + 1;
            const place: ReleasePlace = { partition, series, month, version };
            const document = sealRelease(box, place, next, next.told);
            return stored === undefined
              ? { kind: "insert", collection: "releases", document }
              : { kind: "replace", collection: "releases", document, ifRevision: stored.revision };
          }),
        );
        // Under the head's guard, so that nothing is written for a patient whose erasure has begun.
        const { committed } = await store.commit({
          partition,
          changes: [headChange(partition, head, head.document), ...changes],
        });
        return committed ? { before: head.revision, after: head.revision + 1 } : undefined;
      }),
  };
}
