import { createLoop, type Logger, type Loop } from "@wellapi/runtime";
import type { Change, Store } from "@wellapi/store";
import { catchUp, type Replay } from "./catch-up.ts";
import { createMarkRepository } from "./mark-repository.ts";
import type { Fact, Journal } from "./port.ts";

/** The part of the journal that services use. */
export interface JournalAccess {
  readonly journal: Journal;
  /**
   * `<journal>@<position>` of a journal that an operator has checked and accepts as it is, although the data knows
   * entries that the journal lacks.
   */
  readonly accepted?: string | undefined;
}

export interface FollowerOptions extends JournalAccess {
  /** The service's own store; it declares `journalCollections`. */
  readonly store: Store;
  readonly log: Logger;
  /**
   * Interval at which facts that are still owed are written to the journal and the mark moves on; milliseconds,
   * default 5,000.
   */
  readonly everyMs?: number;
}

/** A service's data beside the journal. */
export interface Follower {
  /**
   * Compares the data with the journal and replays what the data lacks. The service may serve only after this
   * resolves. After a crash the replay starts again from the beginning. Throws JournalError.
   */
  start(replay: Replay): Promise<void>;
  /**
   * The change that notes the fact as owed to the journal. It belongs to the commit that makes the fact true, before
   * `tell`.
   */
  owed(fact: Fact): Change;
  /**
   * Writes the fact to the journal. Call it once the fact holds everywhere, and before its call is answered. Throws
   * JournalError `unavailable`: the fact holds and the journal gets it later, but the caller must not promise that it
   * outlives a restore. The same call again is harmless.
   */
  tell(fact: Fact): Promise<void>;
  close(): Promise<void>;
}

const MOST_OWED = 500;

/**
 * A fact is first committed to the data and then written to the journal, so after the start the data lacks no entry.
 * Therefore the mark (the entry up to which the data contains the journal) may move to the journal's head at any
 * time.
 */
export function createFollower(options: FollowerOptions): Follower {
  const { store, journal, log, everyMs = 5_000 } = options;
  const marks = createMarkRepository(store);
  let keeping: Loop | undefined;

  async function tellAndTick(fact: Fact): Promise<void> {
    await journal.append(fact);
    await marks.settled(fact).catch((err: unknown) => {
      log.warn({ err }, "what the journal was told could not be ticked off; it will be told again");
    });
  }

  /** Writes what a stopped replica or an unavailable journal left owing, and moves the mark on. */
  async function keepUp(signal: AbortSignal): Promise<void> {
    for (const fact of await marks.allOwed(MOST_OWED)) {
      if (signal.aborted) return;
      await tellAndTick(fact);
    }
    const { journal: id, head } = await journal.extent();
    await marks.advance({ journal: id, ...head });
  }

  return {
    async start(replay) {
      await catchUp(options, marks, replay);
      keeping = createLoop({
        everyMs,
        atOnce: true,
        work: keepUp,
        onError: (err) => log.warn({ err }, "the journal could not be told what it is owed; trying again"),
      });
    },
    owed: marks.owed,
    tell: tellAndTick,
    async close() {
      await keeping?.close();
    },
  };
}
