import type { Timers } from "@wellapi/enforcer";
import type { Clock, Ids, Logger } from "@wellapi/runtime";
import type { RecallScope } from "./consent.ts";
import { ConsentError } from "./errors.ts";
import { type OwedRecall, owes, type Sessions } from "./session-repository.ts";
import { type SessionStreams, sessionTtlMs } from "./session-streams.ts";

/**
 * How much longer than its time to live a silent session is given, by this service's monotonic clock: the part of a
 * suspension that an enforcer does not notice (`clockToleranceMs` in @wellapi/enforcer, 200 ms) and 6 % of drift
 * between the two clocks.
 */
export const sessionMarginMs = 300;

/** If the store fails for longer than this, the revocation answers UNAVAILABLE. */
const patienceMs = 10_000;
/** An acknowledgement that comes in at another replica is looked for; of one that comes in here this replica hears. */
const pollsMs = {
  elsewhere: { shortest: 10, longest: 100 },
  here: { shortest: 500, longest: 500 },
} as const;

export interface RecallsOptions {
  readonly sessions: Sessions;
  readonly streams: Pick<SessionStreams, "push" | "onAcknowledged">;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly ids: Ids;
  readonly log: Logger;
}

/** A recall that waits for one session. */
interface Waiting {
  readonly owed: OwedRecall;
  settle(): void;
  fail(error: unknown): void;
}

/**
 * All that wait for one session. The store is asked for them together: were each by itself, they would refuse each other's change of the
 * session, and where the store is slow, they would grow faster in number than they are done.
 */
interface Waits {
  readonly news: Waiting[];
  /** Oldest first; since when, in monotonic milliseconds. */
  owing: (Waiting & { readonly since: number })[];
  /** Ends the pause between two looks. */
  wake(): void;
}

/** Makes every enforcer drop a patient's decisions and cut the answers from which a change takes something away. */
export class Recalls {
  protected readonly options: RecallsOptions;
  readonly #waits = new Map<string, Waits>();
  readonly #retiring = new Set<string>();
  /** Each ends a pause. */
  readonly #wakes = new Set<() => void>();
  #closed = false;

  constructor(options: RecallsOptions) {
    this.options = options;
  }

  /**
   * Resolves when no session can use a decision about the patient from before the call, nor pass on an answer that
   * `scope` affects: each session has acknowledged, or has run out. The change of consent is committed before the
   * call; sessions that open later decide from it. Throws ConsentError `unavailable`: the recall is not complete, run
   * it again.
   */
  async recall(partition: string, scope: RecallScope): Promise<void> {
    const sessions = await this.#persist(() => this.options.sessions.list());
    await Promise.all(sessions.map((session) => this.#recallFrom(session, { partition, ...scope })));
  }

  /**
   * Deletes a session whose stream has ended, once it has surely run out: one that nobody renewed for as long as a lease lasts.
   * Resolves at once where that is under way already: the sweep finds such a session again and again.
   */
  async retire(session: string): Promise<void> {
    const { sessions } = this.options;
    if (this.#retiring.has(session)) return;
    this.#retiring.add(session);
    try {
      const seen = await this.#persist(() => sessions.get(session));
      if (seen === undefined) return;
      await this.#pause(this.waitMs());
      await this.#persist(() => sessions.deleteUnchanged(session, seen));
    } finally {
      this.#retiring.delete(session);
    }
  }

  /** Stops recalls under way; sessions keep the recalls that they owe. */
  close(): void {
    this.#closed = true;
    for (const wake of [...this.#wakes]) wake();
  }

  #recallFrom(session: string, change: Omit<OwedRecall, "recall">): Promise<void> {
    // An id for this run and session alone. If two runs shared one, they could take the other's later recall for
    // their own earlier one, and count a session as run out that was renewed in between.
    const owed = { recall: this.options.ids.next("rcl"), ...change };
    return new Promise((settle, fail) => {
      const waiting = { owed, settle, fail };
      const known = this.#waits.get(session);
      known?.news.push(waiting);
      known?.wake();
      if (known === undefined) void this.#await(session, { news: [waiting], owing: [], wake: () => {} });
    });
  }

  /** Until the session owes none of them any more, or has run out. Settles each. Never rejects. */
  async #await(session: string, waits: Waits): Promise<void> {
    this.#waits.set(session, waits);
    let polls: (typeof pollsMs)[keyof typeof pollsMs] = pollsMs.elsewhere;
    let pollMs: number = polls.shortest;
    try {
      while (waits.news.length + waits.owing.length > 0) {
        if (waits.news.length > 0) {
          polls = (await this.#makeOwe(session, waits)) ? pollsMs.here : pollsMs.elsewhere;
          pollMs = polls.shortest;
        }
        await this.#look(session, waits, pollMs);
        pollMs = Math.min(polls.longest, pollMs * 2);
      }
    } catch (error) {
      for (const { fail } of [...waits.owing, ...waits.news]) fail(error);
    } finally {
      this.#waits.delete(session);
    }
  }

  /** True where this replica holds the session's stream. */
  async #makeOwe(session: string, waits: Waits): Promise<boolean> {
    const { sessions, streams, clock } = this.options;
    const news = [...waits.news];
    const known = await this.#persist(() => sessions.owe(session, ...news.map(({ owed }) => owed)));
    waits.news.splice(0, news.length);
    if (!known) {
      for (const { settle } of news) settle();
      return false;
    }
    const since = clock.monotonic();
    waits.owing.push(...news.map((waiting) => ({ ...waiting, since })));
    return news.map(({ owed }) => streams.push(session, owed)).includes(true);
  }

  async #look(session: string, waits: Waits, pollMs: number): Promise<void> {
    const { sessions, streams, clock } = this.options;
    const [oldest] = waits.owing;
    if (oldest === undefined) return;
    const leftMs = ({ since }: { since: number }) => since + this.waitMs() - clock.monotonic();
    if (waits.news.length === 0) {
      await this.#pause(Math.min(pollMs, leftMs(oldest)), (wake) => {
        waits.wake = wake;
        return streams.onAcknowledged(session, wake);
      });
    }
    const stored = await this.#persist(() => sessions.get(session));
    const isOwed = ({ owed }: Waiting) => stored !== undefined && owes(stored.document, owed.recall);
    for (const waiting of waits.owing) if (!isOwed(waiting)) waiting.settle();
    waits.owing = waits.owing.filter(isOwed);
    const [first] = waits.owing;
    if (first === undefined || leftMs(first) > 0) return;
    if (!(await this.#persist(() => sessions.deleteOwing(session, first.owed.recall)))) return;
    for (const { settle } of waits.owing.splice(0)) settle();
  }

  /** After `owe`, or since it was seen unchanged, no session was renewed, so the last lease began before it. */
  protected waitMs(): number {
    return sessionTtlMs + sessionMarginMs;
  }

  /** For so long, at the longest until the recalls are closed, or until what `listen` listens to happens. */
  #pause(ms: number, listen: (wake: () => void) => () => void = () => () => {}): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wakes.delete(wake);
        forget();
        cancel();
        resolve();
      };
      this.#wakes.add(wake);
      const forget = listen(wake);
      const cancel = this.options.timers.after(Math.max(1, ms), wake);
    });
  }

  /** Tries again while the store fails. Each step may be repeated without harm. */
  async #persist<T>(step: () => Promise<T>): Promise<T> {
    const { clock, log } = this.options;
    const deadline = clock.monotonic() + patienceMs;
    for (let pauseMs = 50; ; pauseMs = Math.min(1_000, pauseMs * 2)) {
      if (this.#closed) throw new ConsentError("unavailable");
      try {
        return await step();
      } catch (cause) {
        if (clock.monotonic() + pauseMs >= deadline) throw new ConsentError("unavailable", { cause });
        log.warn({ err: cause }, "a step of a recall failed; trying again");
        await this.#pause(pauseMs);
      }
    }
  }
}
