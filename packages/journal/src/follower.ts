import type { Logger } from "@wellapi/runtime";
import type { Change, Store } from "@wellapi/store";
import { catchUp } from "./catch-up.ts";
import { createMarkRepository } from "./mark-repository.ts";
import type { Entry, Fact, Journal } from "./port.ts";

/** What services get of the journal. */
export interface JournalAccess {
  readonly journal: Journal;
  /**
   * `<journal>@<position>` of a journal that somebody looked at and takes as it is, although the data knows entries that
   * it lacks.
   */
  readonly accepted?: string | undefined;
}

export interface FollowerOptions extends JournalAccess {
  /** The service's own; declares `journalCollections`. */
  readonly store: Store;
  readonly log: Logger;
  /** How often what is owed is told again, and the mark moved on; milliseconds, default 5,000. */
  readonly everyMs?: number;
}

/** Makes what the entry says true of the data, if it is not. Called in order, with entries of every kind. */
export type Replay = (entry: Entry) => Promise<void>;

/** A service's data beside the journal. */
export interface Follower {
  /**
   * Compares the data with the journal, replays what the data lacks, and resolves when it lacks nothing: only then may
   * the service serve. After a crash it goes on from the start. Throws JournalError.
   */
  start(replay: Replay): Promise<void>;
  /** For the commit of what the fact is about, which must come before the journal is told. */
  owed(fact: Fact): Change;
  /**
   * Tells the journal; call it once the fact holds everywhere, before its call is answered. Throws JournalError
   * `unavailable`: the fact holds, and the journal will be told later, but nobody may be promised that it outlives a
   * restore. The same call again is harmless.
   */
  tell(fact: Fact): Promise<void>;
  close(): Promise<void>;
}

const MOST_OWED = 500;

/**
 * That the data lacks nothing after the start follows from the order: first the data, then the journal. So the mark,
 * up to where the data contains the journal, may be moved to the journal's head at any time.
 */
export function createFollower(options: FollowerOptions): Follower {
  const { store, journal, log, everyMs = 5_000 } = options;
  const marks = createMarkRepository(store);
  let closed = false;
  let wake = () => {};
  let keeping: Promise<void> = Promise.resolve();

  async function tellAndTick(fact: Fact): Promise<void> {
    await journal.append(fact);
    await marks.settled(fact).catch((err: unknown) => {
      log.warn({ err }, "what the journal was told could not be ticked off; it will be told again");
    });
  }

  /** Tells what a stopped replica or an absent journal left owing, and moves the mark on. */
  async function keepUp(): Promise<void> {
    while (!closed) {
      await step().catch((err: unknown) => {
        if (!closed) log.warn({ err }, "the journal could not be told what it is owed; trying again");
      });
      if (!closed) await pause();
    }
  }

  async function step(): Promise<void> {
    for (const fact of await marks.allOwed(MOST_OWED)) {
      if (closed) return;
      await tellAndTick(fact);
    }
    const { journal: id, head } = await journal.extent();
    await marks.advance({ journal: id, ...head });
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, everyMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    async start(replay) {
      await catchUp(options, marks, replay);
      keeping = keepUp();
    },
    owed: marks.owed,
    tell: tellAndTick,
    async close() {
      closed = true;
      wake();
      await keeping;
    },
  };
}
