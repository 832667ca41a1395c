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

/** Makes every enforcer drop a patient's decisions and cut the answers from which a change takes something away. */
export class Recalls {
  protected readonly options: RecallsOptions;
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

  async #recallFrom(session: string, change: Omit<OwedRecall, "recall">): Promise<void> {
    const { sessions, streams, clock, ids } = this.options;
    // An id for this run and session alone. If two runs shared one, they could take the other's later recall for
    // their own earlier one, and count a session as run out that was renewed in between.
    const recall = ids.next("rcl");
    if (!(await this.#persist(() => sessions.owe(session, { recall, ...change })))) return;
    const since = clock.monotonic();
    const isHere = streams.push(session, { recall, ...change });
    const { shortest, longest } = isHere ? pollsMs.here : pollsMs.elsewhere;
    const over = () => clock.monotonic() - since >= this.waitMs();
    for (let pollMs: number = shortest; ; pollMs = Math.min(longest, pollMs * 2)) {
      const ms = Math.min(pollMs, this.waitMs() - (clock.monotonic() - since));
      await this.#pause(ms, (wake) => streams.onAcknowledged(session, wake));
      const stored = await this.#persist(() => sessions.get(session));
      if (!stored || !owes(stored.document, recall)) return;
      if (over() && (await this.#persist(() => sessions.deleteOwing(session, recall)))) return;
    }
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
