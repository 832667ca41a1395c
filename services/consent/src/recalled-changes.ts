import type { Ids, Logger } from "@wellapi/runtime";
import type { RecallScope } from "./consent.ts";
import type { ConsentRepository } from "./consent-repository.ts";
import type { PendingRecall } from "./pending-recall-repository.ts";
import type { Recalls } from "./recall.ts";

export interface RecalledChangesOptions {
  readonly consents: Pick<ConsentRepository, "pendingRecalls" | "recallDone">;
  readonly recalls: Pick<Recalls, "recall">;
  readonly ids: Ids;
  readonly log: Logger;
}

/**
 * Every change of a patient's consents, in this order: commit, recall, answer. The recall is stored with the change:
 * if a replica stops before it completes a recall, another replica or the next start completes it.
 */
export class RecalledChanges {
  readonly #options: RecalledChangesOptions;
  /** Recalls that this replica is running. */
  readonly #running = new Set<string>();
  #seen = new Set<string>();

  constructor(options: RecalledChangesOptions) {
    this.#options = options;
  }

  /** The recall of a change that is about to be committed. */
  pending(partition: string, scope: RecallScope): PendingRecall {
    return { partition, recall: this.#options.ids.next("rcl"), scope };
  }

  /**
   * Runs `commit`, which stores the recall with the change, and then the recall. Resolves with the result of
   * `commit`: undefined means that nothing was changed. Throws `unavailable`: the change holds, and its recall is not
   * complete.
   */
  async run<T>(
    partition: string,
    scope: RecallScope,
    commit: (recall: PendingRecall) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { recalls, consents, log } = this.#options;
    const pending = this.pending(partition, scope);
    this.#running.add(pending.recall);
    try {
      const done = await commit(pending);
      if (done === undefined) return undefined;
      await recalls.recall(partition, scope);
      await consents.recallDone(pending).catch((error: unknown) => {
        // The recall is complete; the sweep runs it once more and removes it.
        log.warn({ err: error }, "a completed recall could not be ticked off");
      });
      return done;
    } finally {
      this.#running.delete(pending.recall);
    }
  }

  /** For a repeated request: the attempt before may have ended between commit and recall. */
  async again(partition: string, scope: RecallScope): Promise<void> {
    await this.#options.recalls.recall(partition, scope);
  }

  /**
   * Completes recalls of replicas that stopped between commit and recall. A living replica completes its own: a
   * recall is taken over only when two sweeps have found it.
   */
  async sweep(takeOverAtOnce: boolean): Promise<void> {
    const { consents, recalls } = this.#options;
    const pending = await consents.pendingRecalls(1_000);
    const due = pending.filter(({ recall }) => {
      return !this.#running.has(recall) && (takeOverAtOnce || this.#seen.has(recall));
    });
    this.#seen = new Set(pending.map(({ recall }) => recall));
    await Promise.all(
      due.map(async (entry) => {
        this.#running.add(entry.recall);
        try {
          await recalls.recall(entry.partition, entry.scope);
          await consents.recallDone(entry);
        } finally {
          this.#running.delete(entry.recall);
        }
      }),
    );
  }
}
