import type { Entry, Follower } from "@wellapi/journal";
import type { Clock, Logger } from "@wellapi/runtime";
import type { Vault } from "@wellapi/vault";
import type { ConsentClient } from "../gate/consent-client.ts";
import type { ErasureRepository, StoredErasure } from "./erasure-repository.ts";

export interface RetentionDeps {
  readonly erasures: Pick<ErasureRepository, "ended" | "save">;
  readonly consents: Pick<ConsentClient, "deleteAll">;
  readonly vault: Pick<Vault, "keyIds" | "destroy">;
  readonly journal: Pick<Follower, "tell">;
  readonly clock: Clock;
  readonly log: Logger;
  /** How many years an audit key outlives the data key. */
  readonly years: number;
}

/** Ends what outlives an erasure: the proof of consents and the content of the log's entries (docs/decisions/0034). */
export interface Retention {
  /** Destroys the audit keys of patients who were erased longer ago than the retention. May be repeated. */
  sweep(signal: AbortSignal): Promise<void>;
  /** Applies an entry of the journal to keys that came from an older copy. */
  replay(entry: Entry): Promise<void>;
}

/**
 * For each patient in this order: consents are deleted, the audit key is destroyed for ever, the journal is told, and last it
 * is noted that the erasure needs no more. Each step may be repeated, so that a crash at any moment is mended by the next sweep.
 */
export function createRetention(deps: RetentionDeps): Retention {
  const { erasures, consents, vault, journal, clock, log, years } = deps;

  async function end(erasure: StoredErasure): Promise<void> {
    const { partition, id } = erasure.document;
    await consents.deleteAll(partition);
    await vault.destroy(partition, "audit");
    await journal.tell({ kind: "retention_ended", partition, subject: id, time: clock.now() });
    await erasures.save(erasure, { state: "retired" });
  }

  return {
    async sweep(signal) {
      let failed: unknown;
      for await (const erasure of erasures.ended(yearsBefore(clock.now(), years))) {
        if (signal.aborted) return;
        try {
          await end(erasure);
        } catch (error) {
          // Others are not kept longer because of one that fails.
          failed ??= error;
        }
      }
      if (failed === undefined) return;
      log.warn(
        { err: failed },
        "an audit key whose retention has ended is not destroyed yet; it will be tried again",
      );
    },
    async replay({ kind, partition }) {
      if (kind !== "retention_ended") return;
      if ((await vault.keyIds(partition, "audit")).length > 0) await vault.destroy(partition, "audit");
    },
  };
}

/** The same instant of the calendar, in UTC, so many years earlier. */
export function yearsBefore(now: number, years: number): number {
  const date = new Date(now);
  return date.setUTCFullYear(date.getUTCFullYear() - years);
}
