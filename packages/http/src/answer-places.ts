/**
 * Places for answers whose readers have not shown that they read: answers are made for few such readers of a caller at a time.
 * The others of the caller wait, before anything is made for them.
 */
export interface AnswerPlaces {
  /** A place of one answer, which is not held yet. */
  open(caller: string): AnswerPlace;
}

/** `late`: there was no place for too long. */
export type Turn = "next" | "late";

export interface AnswerPlace {
  /** Resolves when it is held; also after `leave`, by who waits no longer. */
  enter(): Promise<Turn>;
  /** It may be entered again. */
  leave(): void;
  /** Whether the caller, or all callers together, hold so many that what their readers' machines take unread counts. */
  isCrowded(): boolean;
}

export interface AnswerPlacesOptions {
  /** Of a caller; 32 unless given. */
  readonly perCaller?: number;
  /** Beyond so many of a caller it is crowded; 16 unless given. */
  readonly usual?: number;
  /** How long an answer waits, milliseconds; 30,000 unless given. */
  readonly waitMs?: number;
}

/** Beyond so many in all, each caller has a few, and no more. */
const mostInAll = 256;
const alwaysPerCaller = 8;
/** Beyond so many in all it is crowded for everybody. */
const usualInAll = 64;

export function createAnswerPlaces(options: AnswerPlacesOptions = {}): AnswerPlaces {
  const counts = createCounts(options);
  return { open: (caller) => createPlace(counts, caller) };
}

function createPlace(counts: Counts, caller: string): AnswerPlace {
  let held = false;
  let stopWaiting: (() => void) | undefined;
  return {
    enter() {
      if (held) return Promise.resolve("next");
      return new Promise((resolve) => {
        let left = false;
        const stop = counts.take(caller, (granted) => {
          held = granted;
          stopWaiting = undefined;
          resolve(granted || left ? "next" : "late");
        });
        if (held) return;
        stopWaiting = () => {
          left = true;
          stop();
        };
      });
    },
    leave() {
      stopWaiting?.();
      if (held) counts.giveBack(caller);
      held = false;
    },
    isCrowded: () => counts.isCrowded(caller),
  };
}

interface Counts {
  /**
   * Calls back once: with a place, at once if one is free, or without one, when that takes too long or the returned function
   * is called before.
   */
  take(caller: string, told: (granted: boolean) => void): () => void;
  giveBack(caller: string): void;
  isCrowded(caller: string): boolean;
}

interface Account {
  held: number;
  /** Who waits, the longest first. */
  readonly waiting: Set<() => void>;
}

function createCounts({ perCaller = 32, usual = 16, waitMs = 30_000 }: AnswerPlacesOptions): Counts {
  const accounts = new Map<string, Account>();
  let heldInAll = 0;
  let waitingInAll = 0;

  const isFree = ({ held }: Account): boolean =>
    held < perCaller && (heldInAll < mostInAll || held < alwaysPerCaller);

  function count(caller: string, account: Account, places: number): void {
    account.held += places;
    heldInAll += places;
    settle(caller, account);
  }

  function settle(caller: string, { held, waiting }: Account): void {
    if (held === 0 && waiting.size === 0) accounts.delete(caller);
  }

  /** Callers in turn: who gets a place comes last, and is visited again. */
  function admit(): void {
    if (waitingInAll === 0) return;
    for (const [caller, account] of accounts) {
      const [next] = account.waiting;
      if (next === undefined || !isFree(account)) continue;
      accounts.delete(caller);
      accounts.set(caller, account);
      next();
    }
  }

  return {
    take(caller, told) {
      const account = accounts.get(caller) ?? { held: 0, waiting: new Set() };
      accounts.set(caller, account);
      const end = (granted: boolean): void => {
        if (!account.waiting.delete(grant)) return;
        waitingInAll -= 1;
        clearTimeout(timer);
        count(caller, account, granted ? 1 : 0);
        told(granted);
      };
      const grant = (): void => end(true);
      const giveUp = (): void => end(false);
      const timer = setTimeout(giveUp, waitMs).unref();
      account.waiting.add(grant);
      waitingInAll += 1;
      if (isFree(account)) grant();
      return giveUp;
    },
    giveBack(caller) {
      count(caller, accounts.get(caller)!, -1);
      admit();
    },
    isCrowded: (caller) => (accounts.get(caller)?.held ?? 0) > usual || heldInAll > usualInAll,
  };
}
